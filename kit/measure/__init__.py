"""What is measured: load by real clients, and how far repeated timings spread."""
