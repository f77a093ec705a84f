"""Query plans as trees: read from a server's JSON, explained in words, compared."""
