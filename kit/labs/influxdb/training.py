"""A real training run that writes down every epoch as a point."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kit import data
from kit.labs.influxdb.session import Session

if TYPE_CHECKING:
    from kit.launch.server import Server

MODEL = "sgd"


def train(
    server: Server,
    *,
    run_id: str,
    model: str = MODEL,
    epochs: int = 20,
    learning_rate: float = 0.01,
    seed: int = 0,
    pause: float = 0.0,
    stop: threading.Event | None = None,
) -> int:
    """Train a classifier on the digits, write each epoch to `training_metrics`, count the points.

    The tags are `run_id` and `model`, the fields `loss`, `accuracy` (on the test part) and
    `train_accuracy`. A value that is not finite is left out: InfluxDB has no way to keep it.
    `pause` is how many seconds to rest after each epoch; `stop` ends the run after an epoch.
    Raise Refused where the server refuses.
    """
    session, written = Session(server), 0
    try:
        steps = data.epochs(epochs=epochs, learning_rate=learning_rate, seed=seed)
        for _, metrics in steps:
            text = line(run_id, model, metrics, time.time_ns())
            if text:
                session.write([text])
                written += 1
            if stop is None:
                time.sleep(pause)
            elif stop.wait(pause):
                break
    finally:
        session.close()
    return written


def line(run_id: str, model: str, metrics: Mapping[str, float], at: int) -> str:
    """Write one epoch in line protocol, at a time in nanoseconds; empty if no value is finite."""
    from influxdb.line_protocol import make_lines

    point = {
        "measurement": "training_metrics",
        "tags": {"run_id": run_id, "model": model},
        "fields": {name: value for name, value in metrics.items() if math.isfinite(value)},
        "time": at,
    }
    return str(make_lines({"points": [point]})).rstrip("\n") if point["fields"] else ""
