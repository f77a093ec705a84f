"""Measure starting, attaching and importing, as ratios within one run: `make bench`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from kit import databases
from kit.databases.base import Database
from kit.launch.start import start
from tests.bench import bare, contained

ROUNDS = int(os.environ.get("KIT_BENCH_ROUNDS", "5"))
RESULT = Path("build/bench.json")
_HEAVY = ("IPython", "boto3", "docker", "ipywidgets", "pandas", "psycopg", "pymongo", "sqlalchemy")


def main() -> None:
    """Run every measurement, print a table and write it as JSON."""
    rows = []
    with _home() as home:
        for database in databases.everything():
            rows += _measure_start(database, home)
        rows += [_measure_attach(), *_measure_all(), _measure_import()]
        rows += _measure_containers()
    _print(rows)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2))


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="kit-bench-"))
    home.chmod(0o711)
    os.environ |= {
        "KIT_HOME": str(home / "h"),
        "KIT_CACHE": str(home / "c"),
        "KIT_BACKEND": "process",
    }
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _measure_start(database: Database, home: Path) -> list[dict[str, object]]:
    seconds: dict[str, list[float]] = {"cold": [], "warm": [], "bare cold": [], "bare warm": []}
    _kit_start(database)
    for _ in range(ROUNDS):
        with bare.laid_out(database, home) as site:
            initialise = bare.initialise(database, site)
            seconds["bare cold"].append(initialise + bare.start(database, site, first=True))
            seconds["bare warm"].append(bare.start(database, site, first=False))
        _forget_templates()
        seconds["cold"].append(_kit_start(database))
        seconds["warm"].append(_kit_start(database))
    return [
        _row(
            f"{database.title}: warm start / bare server",
            seconds["warm"],
            seconds["bare warm"],
            1.5,
        ),
        _row(
            f"{database.title}: cold start / bare, initialised",
            seconds["cold"],
            seconds["bare cold"],
            1.2,
        ),
    ]


def _kit_start(database: Database) -> float:
    server, took = _timed(lambda: start(database.name))
    server.stop()
    return took


def _measure_attach() -> dict[str, object]:
    with start("redis"):
        took = [_timed(lambda: start("redis"))[1] for _ in range(ROUNDS * 4)]
    return _row("attach to a running server (aim: 50 ms)", took, [0.050], 1.0)


def _measure_all() -> list[dict[str, object]]:
    slowest, together = [], []
    for _ in range(max(2, ROUNDS // 2)):
        slowest.append(max(_kit_up([name]) for name in databases.names()))
        together.append(_kit_up(databases.names()))
    return [_row("kit up, all eight / the slowest alone", together, slowest, 1.5)]


def _kit_up(names: list[str]) -> float:
    command = [sys.executable, "-m", "kit"]
    _, took = _timed(lambda: _quiet([*command, "up", *names]))
    _quiet([*command, "down"])
    return took


def _measure_containers() -> list[dict[str, object]]:
    rows = []
    with contained.engine() as socket:
        for name in databases.names() if socket else []:
            seconds = contained.measure(name, socket, ROUNDS)
            title = databases.get(name).title
            for other in [way for way in seconds or () if way != "kit"]:
                what = f"{title}: container by the kit / {other}"
                aim = 1.0 if other != "process" else None
                rows.append(_row(what, seconds["kit"], seconds[other], aim))
    return rows


def _measure_import() -> dict[str, object]:
    probe = "import time; t = time.perf_counter(); import kit; print(time.perf_counter() - t); " + (
        f"import sys; assert not set({_HEAVY!r}) & set(sys.modules)"
    )
    took = [float(_quiet([sys.executable, "-c", probe])) for _ in range(ROUNDS * 2)]
    return _row("import kit (aim: 100 ms)", took, [0.100], 1.0)


def _quiet(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _forget_templates() -> None:
    shutil.rmtree(os.environ["KIT_CACHE"], ignore_errors=True)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def _row(
    what: str, took: list[float], against: list[float], aim: float | None
) -> dict[str, object]:
    ratio = median(took) / median(against)
    return {
        "what": what,
        "seconds": round(median(took), 4),
        "spread": [round(min(took), 4), round(max(took), 4)],
        "against": round(median(against), 4),
        "ratio": round(ratio, 2),
        "aim": aim,
        "met": aim is None or ratio <= aim,
    }


def _print(rows: list[dict[str, object]]) -> None:
    table = Table("What", "Median s", "Least–most", "Against s", "Ratio", "Aim", "Met", box=None)
    for row in rows:
        least, most = row["spread"]  # type: ignore[misc]
        cells = (
            row["what"],
            row["seconds"],
            f"{least}–{most}",
            row["against"],
            row["ratio"],
            row["aim"] or "",
        )
        table.add_row(*map(str, cells), "yes" if row["met"] else "no")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
