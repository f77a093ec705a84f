"""A model behind HTTP that tells Prometheus how it is doing, and people who use it."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kit.errors import StartTimeout, UsageError
from kit.labs.prometheus.web import Reply, Web
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the histogram's buckets, in seconds."""

_PEOPLE = 12
_PATIENCE = 10.0
_REST = 0.2
_MOMENT = 0.02


class ModelServer:
    """The digits classifier of `kit.data`, served at /predict and observed at /metrics.

    `delay` is how many seconds each prediction takes longer, as if a feature store were slow.
    """

    def __init__(
        self,
        server: Server | None = None,
        *,
        seed: int = 0,
        buckets: Sequence[float] = BUCKETS,
        delay: float = 0.0,
    ) -> None:
        from kit import data

        self.model: Any = data.classifier(seed)
        self.delay = delay
        self.buckets = tuple(buckets)
        self._metrics = _Metrics(self.buckets)
        self._web = Web(self._answer, host=server.notebook if server else "127.0.0.1")

    @property
    def address(self) -> str:
        """Return host and port as Prometheus reaches them."""
        return self._web.address

    @property
    def here(self) -> str:
        """Return the address for programs on this machine."""
        return self._web.here

    def metrics(self) -> str:
        """Return what stands at /metrics at this moment."""
        return self._metrics.text().decode()

    def restart(self, *, buckets: Sequence[float] | None = None) -> None:
        """Begin anew at the same address: all counters start from zero, as in a new process."""
        self._web.close()
        self.buckets = tuple(buckets or self.buckets)
        self._metrics = _Metrics(self.buckets)
        self._web = Web(self._answer, host=self.address.rpartition(":")[0], port=self._web.port)

    def close(self) -> None:
        """Stop serving."""
        self._web.close()

    def _answer(self, method: str, path: str, body: bytes) -> Reply:
        if path == "/metrics":
            return Reply(200, "text/plain; version=0.0.4; charset=utf-8", self._metrics.text())
        if (method, path) != ("POST", "/predict"):
            return Reply(404, "text/plain", b"There are /predict and /metrics.\n")
        begun = time.perf_counter()
        metrics = self._metrics
        with metrics.busy.track_inprogress():
            status, said = self._predict(body)
        metrics.seconds.observe(time.perf_counter() - begun)
        metrics.requests.labels(code=str(status)).inc()
        if status == 200:
            metrics.confidence.observe(said["confidence"])
            metrics.predictions.labels(digit=str(said["digit"])).inc()
        return Reply(status, "application/json", json.dumps(said).encode())

    def _predict(self, body: bytes) -> tuple[int, dict[str, Any]]:
        time.sleep(self.delay)
        try:
            pixels = json.loads(body)["pixels"]
        except (ValueError, LookupError, TypeError) as error:
            return 400, {"error": f"not an image: {error}"}
        try:
            shares = self.model.predict_proba([pixels])[0]
        except ValueError as error:
            # What the model raises is the service's fault: it let the image pass.
            return 500, {"error": str(error)}
        best = int(shares.argmax())
        return 200, {"digit": int(self.model.classes_[best]), "confidence": float(shares[best])}


class _Metrics:
    """One life of the service, counted from its start."""

    def __init__(self, buckets: Sequence[float]) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

        registry: Any = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "model_requests", "Requests answered, by HTTP status", ["code"], registry=registry
        )
        self.predictions = Counter(
            "model_predictions", "Predictions made, by digit", ["digit"], registry=registry
        )
        self.busy = Gauge("model_requests_in_progress", "Requests at work", registry=registry)
        self.seconds = Histogram(
            "model_request_seconds",
            "Time to answer a request",
            buckets=tuple(buckets),
            registry=registry,
        )
        self.confidence = Summary(
            "model_confidence", "Probability of the digit that was predicted", registry=registry
        )

    def text(self) -> bytes:
        from prometheus_client import generate_latest

        return bytes(generate_latest(self._registry))


class Traffic:
    """Real requests to a model server, at a pace that can be changed while they come.

    `rate` is requests per second; `errors` is the share, 0 to 1, of images with a row missing. If
    the service is slower than `rate`, fewer come: twelve people wait for their answers.
    """

    def __init__(self, model: ModelServer, *, rate: float = 20.0, errors: float = 0.0) -> None:
        from kit import data

        _check(rate, errors)
        self.rate, self.errors = rate, errors
        self.sent = self.failed = 0
        self._model = model
        self._images = itertools.cycle(data.digits().test.tolist())
        self._dice = random.Random(0)
        self._turn = threading.Lock()
        self._next = 0.0
        self._people = [Watch(self._ask) for _ in range(_PEOPLE)]

    @property
    def running(self) -> bool:
        """Tell whether requests come."""
        return any(person.running for person in self._people)

    def start(self) -> Traffic:
        """Let the requests begin."""
        self._next = time.monotonic()
        for person in self._people:
            person.start()
        return self

    def stop(self) -> None:
        """Let the requests end; those under way are answered first."""
        for person in self._people:
            person.stop(wait=False)
        for person in self._people:
            person.stop()

    def until(self, sent: int, *, patience: float = 30.0) -> int:
        """Wait until so many requests were answered, and return how many were."""
        deadline = time.monotonic() + patience
        while self.sent < sent and self.running:
            if time.monotonic() > deadline:
                raise StartTimeout(f"{sent} requests were not answered within {patience:.0f} s.")
            time.sleep(_MOMENT)
        return self.sent

    def __enter__(self) -> Traffic:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ask(self) -> float:
        with self._turn:
            now = time.monotonic()
            wait = self._next - now
            if wait > 0:
                # Looks again when it may be its turn.
                return min(wait, _REST)
            self._next = max(self._next, now - 1.0) + 1.0 / max(self.rate, 0.1)
            pixels = next(self._images)
            if self._dice.random() < self.errors:
                pixels = pixels[:-8]
        status = self._send(json.dumps({"pixels": pixels}))
        with self._turn:
            self.sent += status is not None
            self.failed += status != 200
        return 0.0

    def _send(self, body: str) -> int | None:
        host = self._model.here.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=_PATIENCE)
        try:
            connection.request("POST", "/predict", body)
            answer = connection.getresponse()
            answer.read()
        except OSError:
            time.sleep(_REST)
            return None
        finally:
            connection.close()
        return answer.status


def _check(rate: float, errors: float) -> None:
    if rate <= 0 or not 0 <= errors <= 1:
        raise UsageError(
            "rate= is a number of requests per second above zero, errors= a share 0–1."
        )
