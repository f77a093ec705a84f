"""Starting a server: what is asked for, what is in the way, what is kept for the next time."""
