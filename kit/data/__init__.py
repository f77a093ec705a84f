"""Seeded data, a small and real training run, and what it leaves behind."""

from kit.data.runs import TrainingRun, tracking, train
from kit.data.training import Digits, classifier, digits, epochs

__all__ = ["Digits", "TrainingRun", "classifier", "digits", "epochs", "tracking", "train"]
