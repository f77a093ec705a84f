"""An engine to test with: the one that answers, else one of the tests' own, where that is allowed.

Test runs side by side share their own engine; the last of them ends it. What it has stored stays,
so that images are built once.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import platformdirs
import psutil

from kit.errors import EngineMissing
from kit.launch import engine
from tests.traces import await_true

_KEPT = "mlops-database-kit-tests"
_START_TAKES = 60.0
# Kept for measurements of networks: RFC 2544, appendix C.2.2.
_SPARE_ADDRESS = "198.18.251.1/24"


class NoEngine(Exception):
    """There is no engine, and none can be started; the message says why."""


def folder() -> Path:
    """Return where images and the tests' own engine are kept: KIT_TEST_ENGINE names another."""
    usual = f"/var/cache/{_KEPT}" if os.getuid() == 0 else platformdirs.user_cache_dir(_KEPT)
    return Path(os.environ.get("KIT_TEST_ENGINE") or usual)


@contextmanager
def at_hand() -> Iterator[Path]:
    """Give the socket of an engine, or raise NoEngine."""
    if engine.answers():
        yield engine.find()
        return
    if os.getuid() != 0 or not shutil.which("dockerd"):
        raise NoEngine(f"{engine.explain()} As root, where dockerd is, the tests start their own.")
    own = Daemon(folder())
    with own.used():
        yield own.socket


@contextmanager
def spare() -> Iterator[Daemon]:
    """Give an engine that no other test uses, to do with as a test likes; or raise NoEngine."""
    if os.getuid() != 0 or not shutil.which("dockerd") or not shutil.which("ip"):
        raise NoEngine("As root, where dockerd and ip are, the tests start an engine more.")
    own = Daemon(folder() / "spare", bridge="kit-test-spare")
    with own.used(), own.alone() as nobody_else:
        if not nobody_else:
            raise NoEngine("another test run is at work on the engine that is killed in tests")
        yield own


class Daemon:
    """An engine of the tests' own, apart from one that the machine may have.

    Two engines cannot share a bridge: with `bridge`, this one has its own, and none of its
    containers reaches further than this machine.
    """

    def __init__(self, place: Path, *, bridge: str = "") -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.socket = place / "docker.sock"
        self._bridge = bridge
        self._place = place
        self._pid = place / "docker.pid"
        self._users: IO[str]

    @contextmanager
    def used(self) -> Iterator[None]:
        """Have the engine running for as long as the block lasts."""
        with open(self._place / "users.lock", "w") as self._users:
            with self._turn():
                fcntl.flock(self._users, fcntl.LOCK_SH)
                self.start()
            try:
                yield
            finally:
                with self._turn(), self.alone() as nobody_else:
                    if nobody_else:
                        self.stop()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Tell whether no other test run uses the engine, and keep it so."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def start(self) -> None:
        """Start the engine unless it runs, and wait until it answers."""
        if self._answers():
            return
        if self._bridge:
            self._span()
        if not self._processes():
            # A killed one may be a zombie yet, which the next one would take for alive.
            self._pid.unlink(missing_ok=True)
        with open(self._place / "engine.log", "w") as log:
            process = subprocess.Popen(
                [
                    "dockerd",
                    f"--host=unix://{self.socket}",
                    f"--data-root={self._place / 'data'}",
                    f"--exec-root={self._place / 'exec'}",
                    f"--pidfile={self._pid}",
                    *self._network(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await_true(
            lambda: self._answers() or process.poll() is not None,
            "the engine answers",
            _START_TAKES,
        )
        if process.poll() is None:
            # It may outlive this run, and is found by its pid.
            process.returncode = 0
        else:
            said = (self._place / "engine.log").read_text().strip().splitlines()
            raise NoEngine(f"dockerd cannot run here: {said[-1] if said else 'it said nothing'}")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the engine: in good order, or killed together with what it runs containers with."""
        processes = self._processes()
        for process in processes if number == signal.SIGKILL else processes[:1]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        psutil.wait_procs(processes, timeout=_START_TAKES)
        if self._bridge:
            self._take_away()

    def _network(self) -> list[str]:
        if not self._bridge:
            return []
        # The rules of the firewall are the other engine's.
        return [f"--bridge={self._bridge}", *("--iptables=false", "--ip6tables=false")]

    def _span(self) -> None:
        if Path("/sys/class/net", self._bridge).exists():
            self._take_away()
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("address", "add", _SPARE_ADDRESS, "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")

    def _take_away(self) -> None:
        _ip("link", "delete", self._bridge)

    def _processes(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(int(self._pid.read_text()))
            ended = process.status() == psutil.STATUS_ZOMBIE
            return [] if ended else [process, *process.children()]
        except (OSError, ValueError, psutil.NoSuchProcess):
            return []

    def _answers(self) -> bool:
        try:
            engine.check(self.socket)
        except EngineMissing:
            return False
        return True

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with open(self._place / "turn.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
