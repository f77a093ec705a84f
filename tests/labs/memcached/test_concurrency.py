"""Loads on real Memcached servers are measured in this kernel and beside it, and leave nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing

import psutil
import pytest

from kit.errors import ServerGone, UsageError
from kit.labs import memcached
from kit.labs.memcached import crowd, reader
from kit.labs.memcached.workers import KINDS
from kit.launch.server import Server
from tests.labs.memcached.panels import SHORT
from tests.panels import said
from tests.traces import await_true


def test_the_threads_are_those_that_the_server_was_started_with(server: Server) -> None:
    assert crowd.threads(server) == 2


def test_clients_of_this_kernel_are_measured_and_so_is_the_server(server: Server) -> None:
    found = memcached.single(server, clients=3, seconds=SHORT)
    assert found.load.clients == 3
    assert found.load.operations > 0
    assert found.load.errors == {}
    assert found.server_cpu >= 0
    assert found.python_cpu > 0


def test_batch_readers_read_in_processes_of_their_own_and_none_is_left(server: Server) -> None:
    children = psutil.Process().children()
    found = memcached.batches(server, readers=2, seconds=SHORT)
    assert found.batch_keys > 0
    assert found.load.operations > 0
    assert {one.pid for one in psutil.Process().children()} <= {one.pid for one in children}


def test_a_batch_reader_needs_nothing_of_the_kit(server: Server) -> None:
    with closing(server.connect()) as client:
        client.set_many({reader.key(number): b"v" for number in range(3)}, noreply=False)
    ran = subprocess.run(
        [sys.executable, "-I", reader.__file__, server.host, str(server.port), "3", "0.05"],
        input="go\n",
        capture_output=True,
        text=True,
        check=True,
    )
    first, told = ran.stdout.splitlines()
    assert first == "ready"
    assert '"batches"' in told


def test_the_panel_measures_each_server_and_names_its_threads(server: Server, own: Server) -> None:
    panel = memcached.concurrency(server, own, seconds=SHORT)
    assert panel.status.state == "empty"
    heads = ("server threads clients", "server threads batch readers")
    for kind, loads, words in zip(KINDS, (6, 8), heads, strict=True):
        panel.kind.value = kind
        assert len(panel.run()) == loads
        assert said(panel).startswith(f"✓ {loads} loads")
        assert [line.label for line in panel.chart.lines] == ["desk, 2 threads", "own, 4 threads"]
        assert panel.table.static_text().splitlines()[0].split() == words.split()
    panel.close()


def test_a_measurement_can_be_cancelled(server: Server) -> None:
    panel = memcached.concurrency(server, seconds=30)
    thread = panel.background(panel.run)
    await_true(lambda: panel.cancel.layout.display is None, "it runs and can be cancelled")
    panel.cancel.click()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert "stopped" in said(panel)
    panel.close()


def test_a_server_that_dies_under_load_is_said_and_can_be_measured_again(own: Server) -> None:
    panel = memcached.concurrency(own, seconds=SHORT)
    own.kill()
    await_true(lambda: own.state == "exited", "the server has gone")
    panel.run()
    assert "restart()" in panel.notice.static_text()
    own.restart()
    panel.run()
    assert panel.status.state == "done"
    panel.close()


def test_a_server_killed_while_batches_are_read_leaves_no_reader(own: Server) -> None:
    killer = threading.Timer(SHORT, own.kill)
    killer.start()
    with pytest.raises((ServerGone, OSError)):
        memcached.batches(own, readers=2, seconds=30 * SHORT)
    killer.join()
    assert not [one for one in psutil.Process().children() if "reader.py" in str(one.cmdline())]


def test_no_server_at_all_is_refused() -> None:
    for panel in (memcached.concurrency, memcached.volatile):
        with pytest.raises(UsageError, match="at least one server"):
            panel()
