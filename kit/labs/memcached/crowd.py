"""Many clients on one server, and who of them all is at work: the server, or Python."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.errors import ServerGone
from kit.labs.memcached.counts import stats
from kit.labs.memcached.reader import key
from kit.measure.load import Load, load

if TYPE_CHECKING:
    from kit.launch.server import Server

BATCH = 1000
"""Keys in the command of a batch reader."""

SECONDS = 0.6

_LONGER = 0.2  # seconds: the readers outlast what is measured beside them
_SCRIPT = Path(__file__).with_name("reader.py")
_KEY, _VALUE = "single", b"x" * 100


@dataclass(frozen=True, kw_only=True)
class Burden:
    """What some clients asked of a server with so many threads, and what it cost whom.

    `load` is what this kernel's own clients measured, one key at a time. `batch_keys` counts the
    keys per second that batch readers got in processes of their own. `server_cpu` is how many
    cores the server kept busy, by its own `rusage_user` and `rusage_system`.
    """

    server: str
    threads: int
    readers: int
    load: Load
    batch_keys: float
    server_cpu: float

    @property
    def python_cpu(self) -> float:
        """Return how many cores this kernel's Python kept busy."""
        return self.load.cpu / self.load.seconds if self.load.seconds else 0.0


def threads(server: Server) -> int:
    """Return how many worker threads a server says that it has."""
    return int(stats(server)["threads"])


def single(
    server: Server,
    *,
    clients: int = 1,
    seconds: float = SECONDS,
    stop: threading.Event | None = None,
) -> Burden:
    """Have clients in threads of this kernel read one key, again and again, each on its own."""
    return _burden(server, 0, clients=clients, seconds=seconds, stop=stop)


def batches(
    server: Server,
    *,
    readers: int = 1,
    seconds: float = SECONDS,
    stop: threading.Event | None = None,
) -> Burden:
    """Have processes of their own read batches, while one client here reads one key at a time."""
    return _burden(server, readers, clients=1, seconds=seconds, stop=stop)


def _burden(
    server: Server, readers: int, *, clients: int, seconds: float, stop: threading.Event | None
) -> Burden:
    server.require_own("puts as much load on the server as it can")
    _prepare(server)
    with _readers(server, readers, seconds + _LONGER) as processes:
        before, begun = _used(server), time.monotonic()
        for process in processes:
            _say(process)
        found = load(
            lambda: server.connect(no_delay=True),
            lambda client: client.get(_KEY),
            clients=clients,
            seconds=seconds,
            stop=stop,
        )
        used, passed = _used(server) - before, time.monotonic() - begun
        got = _got(processes) if not (stop and stop.is_set()) else 0.0
    _whole(found)
    return Burden(
        server=server.name,
        threads=threads(server),
        readers=readers,
        load=found,
        batch_keys=got * BATCH,
        server_cpu=used / passed,
    )


def _prepare(server: Server) -> None:
    client = server.connect()
    try:
        client.set(_KEY, _VALUE, noreply=False)
        client.set_many({key(number): _VALUE for number in range(BATCH)}, noreply=False)
    finally:
        client.close()


def _used(server: Server) -> float:
    """Return the seconds of processor time that a server has taken so far."""
    found = stats(server)
    return float(found["rusage_user"]) + float(found["rusage_system"])


@contextmanager
def _readers(
    server: Server, count: int, seconds: float
) -> Iterator[Sequence[subprocess.Popen[str]]]:
    """Start batch readers and wait until all are ready; whatever happens, none is left."""
    words = [server.host, str(server.port), str(BATCH), f"{seconds:g}"]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-I", str(_SCRIPT), *words],
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        for process in processes:
            _heard(process)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _say(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.write("go\n")
        process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise ServerGone("A batch reader lost its server. Bring it back: .restart().")
    return line


def _got(processes: Sequence[subprocess.Popen[str]]) -> float:
    """Return how many batches per second all readers got together."""
    told: list[dict[str, Any]] = [json.loads(_heard(process)) for process in processes]
    return float(sum(one["batches"] / one["seconds"] for one in told))


def _whole(found: Load) -> None:
    """Refuse a load in which more failed than succeeded: its latencies tell nothing."""
    if found.failed > found.operations:
        said = next(iter(found.messages.values()), "no answer")
        raise ServerGone(f"The server went away under load: {said}. Bring it back: .restart().")
