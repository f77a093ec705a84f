"""The parts that labs share: they know nothing of databases."""
