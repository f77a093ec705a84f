"""What a learner sees of Redis: its keys, a cache at work, latency, limits and crashes."""
