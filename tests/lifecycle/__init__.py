"""Who keeps a server alive, and what is left when they end: with real kernels."""
