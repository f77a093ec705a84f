"""Hostile names and values in each database, and the panels that show them.

Each module puts them into a server by `begin` and lists its panels in `CASES`; the notebook of
test_hostile.py calls both in its kernel.
"""
