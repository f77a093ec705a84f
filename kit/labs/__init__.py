"""What a learner sees: one module of panels per section."""
