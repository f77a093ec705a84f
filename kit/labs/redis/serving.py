"""A model being served: real predictions, kept in Redis or not, asked for as users ask."""

from __future__ import annotations

import hashlib
import json
import random
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from redis.exceptions import OutOfMemoryError

from kit import data
from kit.errors import UnknownName
from kit.labs.redis.source import Client

PREFIX = "prediction"
MODELS = {"linear": "linear classifier", "forest": "forest of 100 trees"}


@dataclass(frozen=True)
class Model:
    """A fitted model and the inputs that it is asked about."""

    name: str
    inputs: Any = field(repr=False)
    fitted: Any = field(repr=False)
    weights: Any = field(repr=False)

    def predict(self, number: int) -> bytes:
        """Compute the answer for one of the inputs: digit, probabilities and weight of each pixel.

        It is JSON of somewhat under a kilobyte.
        """
        pixels = self.inputs[number]
        shares = self.fitted.predict_proba([pixels])[0]
        digit = int(shares.argmax())
        answer = {
            "digit": digit,
            "probabilities": shares.round(4).tolist(),
            "pixels": (self.weights[digit] * pixels).round(4).tolist(),
        }
        return json.dumps(answer).encode()

    def key(self, number: int) -> str:
        """Return the key of an answer: the model's name and a digest of the input's bytes.

        A new model answers under new names, so that nobody is served by an old one.
        """
        return _key(self.name, self.inputs[number])


def model(name: str = "forest", seed: int = 0) -> Model:
    """Fit one of MODELS on scikit-learn's digits; its inputs are all 1,797, unseen ones first."""
    import numpy as np

    if name not in MODELS:
        raise UnknownName.among("model", name, MODELS)
    digits = data.digits(seed)
    inputs = np.concatenate([digits.test, digits.train])
    if name == "linear":
        linear = data.classifier(seed)
        return Model(name, inputs, linear, linear.coef_)
    forest = _forest(digits, seed)
    return Model(name, inputs, forest, np.tile(forest.feature_importances_, (10, 1)))


def key_of(name: str, number: int, seed: int = 0) -> str:
    """Return the key under which a model's answer is kept, without fitting the model."""
    digits = data.digits(seed)
    count = len(digits.test)
    return _key(name, digits.test[number] if number < count else digits.train[number - count])


def _key(name: str, pixels: Any) -> str:
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return f"{PREFIX}:{name}:{digest[:16]}"


def _forest(digits: data.Digits, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, random_state=seed).fit(digits.train, digits.train_labels)


class Zipf:
    """Draw numbers below `count`; the one of rank r comes as often as 1 / r ** skew says.

    A skew of 0 asks for all alike; near 1 is what was found for pages of the web (Breslau and
    others, "Web Caching and Zipf-like Distributions", INFOCOM 1999).
    """

    def __init__(self, count: int, skew: float) -> None:
        self._sums = list(accumulate(1 / rank**skew for rank in range(1, count + 1)))

    def draw(self, chance: random.Random) -> int:
        """Return the next number."""
        return bisect_left(self._sums, chance.random() * self._sums[-1])


@dataclass
class Visitor:
    """One client of the service: its connection, its choices, and what became of them."""

    client: Client
    chance: random.Random
    hits: list[float] = field(default_factory=list)
    misses: list[float] = field(default_factory=list)
    unkept: int = 0


@dataclass(frozen=True, kw_only=True)
class Service:
    """Answer from the cache where it can, else compute and keep the answer for `ttl` seconds.

    A `ttl` of 0 keeps it until the server throws it out; without `cached`, nothing is kept.
    """

    model: Model
    zipf: Zipf
    ttl: float = 60.0
    cached: bool = True

    def answer(self, visitor: Visitor) -> bytes:
        """Serve one request of a visitor's, and note how long it took."""
        number = self.zipf.draw(visitor.chance)
        begun = time.perf_counter()
        found = self._found(visitor, number)
        answer = self._computed(visitor, number) if found is None else found
        took = time.perf_counter() - begun
        (visitor.misses if found is None else visitor.hits).append(took)
        return answer

    def _found(self, visitor: Visitor, number: int) -> bytes | None:
        found: bytes | None = visitor.client.get(self.model.key(number)) if self.cached else None
        return found

    def _computed(self, visitor: Visitor, number: int) -> bytes:
        answer = self.model.predict(number)
        if self.cached:
            try:
                life = {"px": round(self.ttl * 1000)} if self.ttl else {}
                visitor.client.set(self.model.key(number), answer, **life)
            except OutOfMemoryError:
                # The answer is right all the same; it is only not kept.
                visitor.unkept += 1
        return answer


def forget(client: Client, prefix: str = PREFIX) -> int:
    """Remove what was cached, step by step, and return how many keys that were."""
    removed = 0
    for key in client.scan_iter(match=f"{prefix}:*", count=500):
        removed += int(client.unlink(key))
    return removed
