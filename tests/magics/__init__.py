"""`%sql` in a notebook, on real servers."""
