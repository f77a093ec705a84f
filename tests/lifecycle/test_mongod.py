"""Whichever server answers for MongoDB, it is shared like any other and ends with its kernels."""

from __future__ import annotations

from pathlib import Path

from kit.launch.start import start
from tests.lifecycle.kernel import Kernel, starting
from tests.mongod import product as product
from tests.traces import await_nothing_left, await_true, servers


def test_a_second_notebook_sees_what_the_first_wrote(
    product: str, pair: list[Kernel], own_home: Path
) -> None:
    first, second = pair
    port = first.start("mongodb")
    first.run("server.connect().mlops_db.runs.insert_one({'_id': 1})")
    assert second.start("mongodb") == port
    assert second.run("", "server.connect().mlops_db.runs.find_one()") == {"_id": 1}
    assert second.run("", "server.product") == product


def test_a_killed_kernel_takes_a_server_that_is_written_to_with_it(
    product: str, kernel: Kernel, own_home: Path
) -> None:
    kernel.start("mongodb")
    kernel.begin("runs = server.connect().mlops_db.runs\nwhile True: runs.insert_one({})")
    with start("mongodb", backend="process") as server, server.connect() as client:
        await_true(lambda: client.mlops_db.runs.find_one(), "a first document")
    kernel.kill()
    await_nothing_left(own_home)


def test_a_kernel_killed_in_mid_start_takes_what_it_began_with_it(
    product: str, kernel: Kernel, own_home: Path
) -> None:
    kernel.begin(*starting("mongodb"))
    await_true(lambda: servers(own_home), "the server's process is there")
    kernel.kill()
    await_nothing_left(own_home)
