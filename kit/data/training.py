"""Real training on real data, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.linear_model import SGDClassifier


@dataclass(frozen=True)
class Digits:
    """Handwritten digits of 8 × 8 pixels, scaled to 0 … 1, parted for training and for testing."""

    train: NDArray[Any]
    train_labels: NDArray[Any]
    test: NDArray[Any]
    test_labels: NDArray[Any]


def digits(seed: int = 0) -> Digits:
    """Load the 1,797 digits that come with scikit-learn; a quarter of them are for testing."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    parts = train_test_split(pixels / 16.0, labels, random_state=seed, stratify=labels)
    return Digits(parts[0], parts[2], parts[1], parts[3])


def epochs(
    *, epochs: int = 8, learning_rate: float = 0.01, seed: int = 0
) -> Iterator[tuple[int, dict[str, float]]]:
    """Train a linear classifier on the digits, and yield each epoch's number, from 1, and metrics.

    The metrics are `loss` (cross entropy on the training part), `train_accuracy` and `accuracy`
    (on the test part).
    """
    import numpy as np
    from sklearn.metrics import log_loss

    data, model = digits(seed), _model(learning_rate, seed)
    order = np.random.default_rng(seed)
    classes = np.unique(data.train_labels)
    for epoch in range(1, epochs + 1):
        shuffled = order.permutation(len(data.train))
        model.partial_fit(data.train[shuffled], data.train_labels[shuffled], classes=classes)
        loss = log_loss(data.train_labels, model.predict_proba(data.train))
        yield (
            epoch,
            {
                "loss": float(loss),
                "train_accuracy": float(model.score(data.train, data.train_labels)),
                "accuracy": float(model.score(data.test, data.test_labels)),
            },
        )


def classifier(seed: int = 0) -> SGDClassifier:
    """Return a classifier of digits, fitted on the training part and ready to be served."""
    data = digits(seed)
    return _model(0.01, seed).fit(data.train, data.train_labels)


def _model(learning_rate: float, seed: int) -> SGDClassifier:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=learning_rate, random_state=seed
    )
