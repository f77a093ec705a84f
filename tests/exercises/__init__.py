"""The exercises of all lessons, and how answers to them are judged."""
