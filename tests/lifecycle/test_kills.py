"""Kernels and supervisors that are restarted and killed leave nothing behind.

KIT_TEST_REPEAT=20 runs each of these twenty times.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kit.launch.start import start
from tests.lifecycle.kernel import CellError, Kernel, kernels, starting
from tests.lifecycle.midway import SLOW, stopped_in_mid_start
from tests.traces import (
    await_nothing_left,
    await_true,
    directories,
    end_supervisor,
    named_memory,
    segments,
    servers,
    supervisor,
)


def test_a_restarted_kernel_takes_its_servers_with_it(
    kernel: Kernel, own_home: Path, kit_round: int
) -> None:
    kernel.start("redis")
    kernel.restart()
    await_nothing_left(own_home)
    kernel.start("redis")


def test_a_killed_kernel_takes_its_servers_with_it(
    kernel: Kernel, own_home: Path, kit_round: int
) -> None:
    kernel.start("postgresql")
    kernel.start("redis")
    kernel.kill()
    await_nothing_left(own_home)


def test_a_kernel_killed_in_mid_start_takes_what_it_began_with_it(
    kernel: Kernel, own_home: Path, kit_round: int
) -> None:
    kernel.begin(*starting(SLOW))
    stopped_in_mid_start(SLOW)
    kernel.kill()
    await_nothing_left(own_home)


def test_a_kernel_killed_while_files_are_created_leaves_nothing_at_work(
    kernel: Kernel,
    own_home: Path,
    tmp_path: Path,
    kit_round: int,
) -> None:
    cache, before = own_home / "cache", named_memory()
    kernel.run(f"os.environ['KIT_CACHE'] = {str(cache)!r}")
    kernel.begin(*starting("postgresql"))
    await_true(lambda: servers(own_home), "initdb is at work")
    if sys.platform == "linux":
        await_true(lambda: named_memory() - before, "it has taken shared memory")
    kernel.kill()
    await_nothing_left(own_home)
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_the_next_in_line_takes_over_when_the_one_that_starts_is_killed(
    pair: list[Kernel], own_home: Path, tmp_path: Path, kit_round: int
) -> None:
    first, second = pair
    first.begin(*starting(SLOW))
    stopped_in_mid_start(SLOW)
    seen = tmp_path / "seen"
    second.run(f"def progress(text): open({str(seen)!r}, 'a').write(text)")
    waiting = second.begin(
        f"server = kit.start({SLOW!r}, backend='process', progress=progress)", "server.state"
    )
    await_true(lambda: seen.exists() and "another notebook" in seen.read_text(), "it waits")
    first.kill()
    assert second.finish(waiting) == "running"
    assert len(directories(own_home)) == 1


def test_a_killed_supervisor_takes_its_servers_and_kernels_notice(
    kernel: Kernel, own_home: Path, kit_round: int
) -> None:
    kernel.start("postgresql", name="pg")
    kernel.run("pg = server\nnews = []\npg.on_change(lambda found: news.append(found.state))")
    kernel.start("redis")
    pid = supervisor(own_home)
    assert pid
    os.kill(pid, signal.SIGKILL)
    await_nothing_left(own_home)
    assert kernel.run("", "(pg.state, server.state)") == ("stopped", "stopped")
    with pytest.raises(CellError, match=r"ServerGone.*kit\.start\(.redis.\)"):
        kernel.run("server.connect()")
    assert kernel.run("", "news[-1]") == "stopped"
    kernel.start("redis")
    assert kernel.run("", "server.state") == "running"


def test_what_a_kernel_and_the_supervisor_killed_at_once_leave_is_swept_at_the_next_start(
    own_home: Path, kit_round: int
) -> None:
    with kernels(1) as (kernel,):
        kernel.start("postgresql")
        kernel.start("redis")
        pid = supervisor(own_home)
        assert pid
        os.kill(kernel.pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
    assert len(directories(own_home)) == 2
    with start("redis", backend="process", name="next"):
        assert len(directories(own_home)) == 1
        assert len(servers(own_home)) == 1


def test_what_a_crashed_machine_left_is_swept_at_the_next_start(own_home: Path) -> None:
    end_supervisor(own_home)
    for name in ("deadbeef", "00000000"):
        (own_home / "servers" / name / "data").mkdir(parents=True)
    (own_home / "servers/deadbeef/record.json").write_text('{"backend": "process", "pid": 1}')
    (own_home / "servers/00000000/record.json").write_text("{")
    (own_home / "supervisor.sock").write_text("")
    (own_home / "supervisor.lock").write_text("1\n")
    orphan = subprocess.Popen(["sleep", "600"], cwd=own_home / "servers/deadbeef/data")
    with start("redis", backend="process") as server:
        assert directories(own_home) == [Path(server._control._directory).name]  # type: ignore[attr-defined]
        assert orphan.wait() == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows whose shared memory it is")
def test_a_crashed_postgresql_leaves_no_shared_memory(own_home: Path, kit_round: int) -> None:
    before = segments()
    with start("postgresql", backend="process") as server:
        server.kill()
        assert not segments().keys() - before.keys()
        server.restart()
    assert not segments().keys() - before.keys()
