"""The container backend on a real engine, with images made from this machine's packages."""
