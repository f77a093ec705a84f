"""Models of many kinds, each really trained, and described by a document of its own shape."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kit.data.training import Digits, digits
from kit.errors import UsageError

Document = dict[str, Any]
MODELS = ("sgd", "tree", "knn", "forest", "mlp")
MOST = 40


@dataclass(frozen=True)
class Trial:
    """One training run.

    `document` says what was set and measured, `artifact` what was kept, and `predictions` what the
    model said to each test digit.
    """

    document: Document
    artifact: Document
    predictions: Sequence[Document]


def trials(count: int = 20, *, seed: int = 0, layout: int = 1) -> Iterator[Trial]:
    """Train `count` models on the digits, the kinds by turns, and describe each as it ends.

    `layout` is how the training script writes its settings down: 1 as numbers under `config`; 2 is
    the script after somebody reworked it: the learning rate has become text, the epochs moved into
    a `budget`, and the seed is forgotten. Results are the same for the same seed; the artifact's
    checksum may differ with the version of scikit-learn.
    """
    if not 0 <= count <= MOST or layout not in (1, 2):
        raise UsageError(f"trials wants a count from 0 to {MOST} and the layout 1 or 2.")
    data = digits(seed)
    for number in range(count):
        kind = MODELS[number % len(MODELS)]
        yield _trial(kind, number // len(MODELS), data, seed, layout, number)


def _trial(kind: str, variant: int, data: Digits, seed: int, layout: int, number: int) -> Trial:
    config = _SETTINGS[kind](variant)
    model, curve = _fit(kind, config, seed)
    name = f"{kind}-{layout}{variant + 1}"
    document: Document = {
        "_id": name,
        "batch": f"week {layout}",
        "model": kind,
        "status": "finished",
        "config": _written(config, seed, layout),
        "metrics": {
            "accuracy": round(float(model.score(data.test, data.test_labels)), 4),
            "train_accuracy": round(float(model.score(data.train, data.train_labels)), 4),
        },
        "tags": ["digits", *(["baseline"] if variant == 0 else [])],
    }
    if curve:
        document["curve"] = curve
    note = _note(document, number)
    return Trial(
        document | ({"note": note} if note else {}),
        _artifact(name, model),
        _predictions(name, model, data),
    )


def _fit(kind: str, config: Document, seed: int) -> tuple[Any, list[Document]]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    data = digits(seed)
    if kind == "sgd":
        return _sgd(config, seed)
    if kind == "mlp":
        return _mlp(config, seed)
    made = {
        "tree": lambda: DecisionTreeClassifier(**config, random_state=seed),
        "knn": lambda: KNeighborsClassifier(**config),
        "forest": lambda: RandomForestClassifier(**config, random_state=seed),
    }[kind]()
    return made.fit(data.train, data.train_labels), []


def _sgd(config: Document, seed: int) -> tuple[Any, list[Document]]:
    from sklearn.linear_model import SGDClassifier
    from sklearn.metrics import log_loss

    data, curve = digits(seed), []
    model = SGDClassifier(
        loss="log_loss",
        learning_rate="constant",
        eta0=config["learning_rate"],
        random_state=seed,
    )
    for epoch in range(1, config["epochs"] + 1):
        model.partial_fit(data.train, data.train_labels, classes=sorted(set(data.train_labels)))
        loss = log_loss(data.train_labels, model.predict_proba(data.train))
        accuracy = model.score(data.test, data.test_labels)
        curve.append(
            {"epoch": epoch, "loss": round(float(loss), 4), "accuracy": round(float(accuracy), 4)}
        )
    return model, curve


def _mlp(config: Document, seed: int) -> tuple[Any, list[Document]]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    data = digits(seed)
    model = MLPClassifier(
        hidden_layer_sizes=tuple(config["layers"]),
        learning_rate_init=config["learning_rate"],
        max_iter=config["epochs"],
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.train, data.train_labels)
    losses = enumerate(model.loss_curve_, 1)
    return model, [{"epoch": epoch, "loss": round(float(loss), 4)} for epoch, loss in losses]


_SETTINGS: dict[str, Any] = {
    "sgd": lambda n: {"learning_rate": [0.01, 0.001, 0.1, 0.0001][n % 4], "epochs": 6},
    "tree": lambda n: {
        "max_depth": [None, 4, 8, 12][n % 4],
        "criterion": ["gini", "entropy"][n % 2],
    },
    "knn": lambda n: {
        "n_neighbors": [5, 1, 15, 3][n % 4],
        "weights": ["uniform", "distance"][n % 2],
    },
    "forest": lambda n: {"n_estimators": [30, 10, 60, 20][n % 4], "max_features": "sqrt"},
    "mlp": lambda n: {
        "layers": [[32], [64, 32], [16], [32, 32, 32]][n % 4],
        "learning_rate": [0.01, 0.003][n % 2],
        "epochs": 12,
    },
}


def _written(config: Document, seed: int, layout: int) -> Document:
    """Write settings down as the training script of that layout does."""
    if layout == 1:
        return config | {"seed": seed}
    kept = {name: value for name, value in config.items() if name != "epochs"}
    if "learning_rate" in kept:
        kept["learning_rate"] = str(kept["learning_rate"])
    return kept | ({"budget": {"epochs": config["epochs"]}} if "epochs" in config else {})


def _note(document: Document, number: int) -> str:
    """Write what a person might have noted, from what was measured; every other run has none."""
    if number % 2:
        return ""
    gap = document["metrics"]["train_accuracy"] - document["metrics"]["accuracy"]
    verdict = "overfits, the gap is large" if gap > 0.05 else "generalises well"
    if document["metrics"]["train_accuracy"] < 0.9:
        verdict = "underfits, give it more room"
    return f"{document['model']} on digits: {verdict}"


def _artifact(name: str, model: Any) -> Document:
    kept = pickle.dumps(model)
    return {
        "run_id": name,
        "kind": "model",
        "format": "pickle",
        "class": type(model).__name__,
        "bytes": len(kept),
        "sha256": hashlib.sha256(kept).hexdigest(),
    }


def _predictions(name: str, model: Any, data: Digits) -> list[Document]:
    said = zip(data.test_labels, model.predict(data.test), strict=True)
    return [
        {"run_id": name, "digit": digit, "label": int(label), "predicted": int(predicted)}
        for digit, (label, predicted) in enumerate(said)
    ]
