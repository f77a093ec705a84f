"""InfluxDB: names of measurements, tags and fields, their values, errors."""

from __future__ import annotations

from typing import Any

from kit.labs.influxdb import bench, console, curves
from kit.widgets.panel import Panel
from tests.browser.hostile.content import IMAGE, NAMES, NUL, SCRIPT, VALUES, Case, start


def begin() -> Any:
    """Start a server, and write points of which every name and value is hostile."""
    server = start("influxdb")
    client = server.connect()
    points = [
        {
            "measurement": SCRIPT,
            "tags": {IMAGE: text},
            "fields": dict.fromkeys(NAMES[2:], text),
        }
        for text in [*VALUES, NUL.replace("\n", "")]
    ]
    # InfluxQL ends at a NUL, so that no query can name such a run.
    runs = [
        {
            "measurement": "training_metrics",
            "tags": {"run_id": text, "model": SCRIPT},
            "fields": {"loss": 0.5, "accuracy": 0.9},
        }
        for text in VALUES
    ]
    client.write_points([*points, *runs])
    return server


def _console(server: Any) -> Panel:
    return console.console(server, f'SELECT * FROM "{SCRIPT}"')


def _bench(server: Any) -> Panel:
    shown = bench.bench(server, f"hostile,run={IMAGE.replace(' ', '')[:9]} loss=<script>")
    shown.write()
    shown.lines.value = 'hostile loss="<script>window.ran=1</script>",x="<img src=x onerror=ran=1>"'
    shown.write()
    return shown


def _curves(server: Any) -> Panel:
    return curves.curves(server, watch=False)


CASES = [
    Case(console.Console, _console),
    Case(bench.Bench, _bench),
    Case(curves.Curves, _curves),
]
