"""Measure starting, attaching, importing, and panels in a browser: `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kit import databases
from kit.databases.base import Database
from kit.launch import spare
from kit.launch.start import start
from tests.bench import bare, contained, quickness
from tests.bench.rows import Row, row, show, timed
from tests.browser.window import Window
from tests.traces import await_true, makers

ROUNDS = int(os.environ.get("KIT_BENCH_ROUNDS", "5"))
PARTS = ("start", "attach", "all", "import", "containers", "console", "large", "live")
RESULT = Path("build/bench.json")
_MEMORY = Path("/dev/shm")  # noqa: S108
_NEEDED = 4 * 1024**3  # bytes
_HEAVY = ("IPython", "boto3", "docker", "ipywidgets", "pandas", "psycopg", "pymongo", "sqlalchemy")


def main() -> None:
    """Run what was asked for, or all, print a table and write it as JSON."""
    asked = _arguments()
    rows = []
    with _home() as home:
        for name, measure in _parts(home, asked.live_seconds).items():
            if name in asked.parts or not asked.parts:
                rows += measure()
    show(rows)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    some = f"of {', '.join(PARTS)}; all by default"
    parser.add_argument("parts", nargs="*", metavar="part", help=some)
    parser.add_argument(
        "--live-seconds", type=float, default=300, help="how long the charts live (300)"
    )
    asked = parser.parse_args()
    for part in set(asked.parts) - set(PARTS):
        parser.error(f"there is no part {part}; there are {', '.join(PARTS)}")
    return asked


def _parts(home: Path, live: float) -> dict[str, Callable[[], list[Row]]]:
    def seen(measure: Callable[[Window], list[Row]]) -> Callable[[], list[Row]]:
        def work() -> list[Row]:
            with quickness.opened() as window:
                return measure(window) if window else []

        return work

    measures = (
        lambda: [one for every in databases.everything() for one in _measure_start(every, home)],
        lambda: [_measure_attach()],
        _measure_all,
        lambda: [_measure_import()],
        _measure_containers,
        seen(lambda window: quickness.measure_console(window, ROUNDS)),
        seen(lambda window: quickness.measure_large(window, ROUNDS)),
        seen(lambda window: quickness.measure_live(window, live)),
    )
    return dict(zip(PARTS, measures, strict=True))


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="kit-bench-", dir=_memory()))
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


def _memory() -> Path | None:
    """Return a file system in memory, or None for the system's own place for what is temporary.

    On a disk, what a round removes slows what the next one creates: ext4 without a journal skips
    each inode that was freed a moment ago (`recently_deleted` in fs/ext4/ialloc.c), 25 times the
    work for a new file.
    """
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED:
        return _MEMORY
    return None


def _measure_start(database: Database, home: Path) -> list[Row]:
    seconds: dict[str, list[float]] = defaultdict(list)
    _kit_start(database)
    for _ in range(ROUNDS):
        with bare.laid_out(database, home) as site:
            initialise = bare.initialise(database, site)
            seconds["bare cold"].append(initialise + bare.start(database, site, first=True))
            seconds["bare warm"].append(bare.start(database, site, first=False))
        _await_spare(database)
        _forget_what_lies_ready()
        seconds["cold"].append(_kit_start(database))
        seconds["again"].append(_kit_start(database))
        _await_spare(database)
        seconds["warm"].append(_kit_start(database))
    ways = [
        ("warm start / bare server", "warm", "bare warm", 1.5),
        ("cold start / bare, initialised", "cold", "bare cold", 1.2),
        ("started again at once / bare server", "again", "bare warm", None),
    ]
    # Where nothing is initialised, every start is as warm as the next.
    kinds = ways if spare.wanted(database) else ways[:1]
    return [
        row(f"{database.title}: {what}", seconds[kit], seconds[by_hand], aim)
        for what, kit, by_hand, aim in kinds
    ]


def _kit_start(database: Database) -> float:
    server, took = timed(lambda: start(database.name))
    server.stop()
    return took


def _await_spare(database: Database) -> None:
    """Wait for the data that the kit readies, as the bare server's were ready before it started."""
    if spare.wanted(database):
        cache = Path(os.environ["KIT_CACHE"])
        await_true(lambda: [*cache.glob(f"{database.name}-*.spare")], "the next data are ready", 30)
        await_true(lambda: not makers(Path(os.environ["KIT_HOME"])), "nothing else is at work", 30)


def _measure_attach() -> Row:
    with start("redis"):
        took = [timed(lambda: start("redis"))[1] for _ in range(ROUNDS * 4)]
    return row("attach to a running server (aim: 50 ms)", took, [0.050], 1.0)


def _measure_all() -> list[Row]:
    slowest, together = [], []
    _kit_up(databases.names())
    for _ in range(max(2, ROUNDS // 2)):
        slowest.append(max(_kit_up([name]) for name in databases.names()))
        together.append(_kit_up(databases.names()))
    return [row("kit up, all eight / the slowest alone", together, slowest, 1.5)]


def _kit_up(names: list[str]) -> float:
    command = [sys.executable, "-m", "kit"]
    _, took = timed(lambda: _quiet([*command, "up", *names]))
    for name in names:
        _await_spare(databases.get(name))
    _quiet([*command, "down"])
    return took


def _measure_containers() -> list[Row]:
    rows = []
    with contained.engine() as socket:
        for name in databases.names() if socket else []:
            seconds = contained.measure(name, socket, ROUNDS)
            title = databases.get(name).title
            for other in [way for way in seconds or () if way != "kit"]:
                what = f"{title}: container by the kit / {other}"
                aim = 1.0 if other != "process" else None
                rows.append(row(what, seconds["kit"], seconds[other], aim))
    return rows


def _measure_import() -> Row:
    probe = "import time; t = time.perf_counter(); import kit; print(time.perf_counter() - t); " + (
        f"import sys; assert not set({_HEAVY!r}) & set(sys.modules)"
    )
    took = [float(_quiet([sys.executable, "-c", probe])) for _ in range(ROUNDS * 2)]
    return row("import kit (aim: 100 ms)", took, [0.100], 1.0)


def _quiet(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _forget_what_lies_ready() -> None:
    shutil.rmtree(os.environ["KIT_CACHE"], ignore_errors=True)


if __name__ == "__main__":
    main()
