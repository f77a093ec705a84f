"""Kernels that are interrupted keep their servers, and leave nothing half started.

KIT_TEST_REPEAT=20 runs each of these twenty times.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.lifecycle.kernel import CellError, Kernel, starting
from tests.lifecycle.midway import SLOW, stopped_in_mid_start
from tests.traces import await_nothing_left, await_true, directories, servers

INTERRUPTED = "KeyboardInterrupt|aborted"
"""What a kernel answers depends on where in its own code the interrupt arrived."""

IMPATIENT = """
import signal, sys, time
from kit.launch.start import start

while True:
    try:
        print("begins", flush=True)
        start("redis", name="any", backend="process")
        signal.pause()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    start("redis", name="any", backend="process", timeout=20).stop()
    print("stopped", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def _impatient() -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    """Run what starts a server again and again: a kernel would lose some interrupts by itself."""
    command = [sys.executable, "-c", IMPATIENT]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, (line.strip() for line in process.stdout)
        finally:
            process.kill()


def test_an_interrupted_cell_does_not_end_a_server(
    kernel: Kernel, own_home: Path, tmp_path: Path, kit_round: int
) -> None:
    kernel.start("redis")
    before = servers(own_home)
    busy = tmp_path / "busy"
    cell = kernel.begin(f"open({str(busy)!r}, 'w').close()\nwhile True: pass")
    await_true(busy.exists, "the cell is running")
    kernel.interrupt()
    with pytest.raises(CellError, match=INTERRUPTED):
        kernel.finish(cell)
    assert kernel.run("", "server.connect().ping()")
    assert servers(own_home) == before


def test_an_interrupted_start_leaves_nothing_and_the_next_one_works(
    kernel: Kernel, own_home: Path, kit_round: int
) -> None:
    cell = kernel.begin(*starting(SLOW))
    stopped_in_mid_start(SLOW)
    kernel.interrupt()
    with pytest.raises(CellError, match=INTERRUPTED):
        kernel.finish(cell)
    await_nothing_left(own_home)
    kernel.start(SLOW)


def test_a_start_interrupted_at_any_moment_is_either_done_or_undone(
    own_home: Path, kit_round: int
) -> None:
    moment = random.Random(kit_round)
    with _impatient() as (process, lines):
        for _ in range(10):
            assert next(lines) == "begins"
            # The moment is the experiment: what holds must hold at each of them.
            time.sleep(moment.uniform(0.0, 0.1))
            process.send_signal(signal.SIGINT)
            assert next(lines) == "interrupted"
            assert next(lines) == "stopped"
            assert not servers(own_home)
            assert not directories(own_home)
            print("on", file=process.stdin, flush=True)
