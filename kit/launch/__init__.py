"""How a server is started, shared, and removed when nobody uses it."""
