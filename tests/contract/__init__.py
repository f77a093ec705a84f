"""One contract that every database keeps on every backend."""
