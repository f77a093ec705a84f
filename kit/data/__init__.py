"""Seeded data, a small and real training run, and what it leaves behind."""

from kit.data.runs import TrainingRun, tracking, train
from kit.data.training import Digits, classifier, digits, epochs
from kit.data.trials import Trial, trials

__all__ = [
    "Digits",
    "TrainingRun",
    "Trial",
    "classifier",
    "digits",
    "epochs",
    "tracking",
    "train",
    "trials",
]
