"""Every notebook as a test: run as shipped, run solved, read as committed."""
