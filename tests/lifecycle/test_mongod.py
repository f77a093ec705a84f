"""Whichever server answers for MongoDB, it is shared like any other and ends with its kernels."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kit.labs import mongodb
from kit.launch.start import start
from tests.lifecycle.kernel import Kernel, kernels, starting
from tests.mongod import product as product
from tests.notebooks import book
from tests.traces import await_nothing_left, await_true, servers

LESSON = book.FOLDER / "03_mongodb.ipynb"


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


def test_the_feed_hears_another_kernel_run_the_lines_that_the_lesson_offers(
    product: str, own_home: Path
) -> None:
    (cell,) = [one for one in book.load(LESSON).cells if one.id == "many-process"]
    (program,) = re.findall(r'"""(.*?)"""', cell.source, re.DOTALL)
    with start("mongodb", backend="process") as server, kernels(1) as (other,):
        feed = mongodb.feed(server, "live")
        other.run(f"os.environ['KIT_BACKEND'] = 'process'\n{program}")
        assert feed.wait_for(5) == 5
        assert [one.operation for one in feed.changes] == ["insert"] * 5
        assert [one.key for one in feed.changes] == ["1", "2", "3", "4", "5"]
        assert 0.5 < json.loads(feed.changes[-1].news)["accuracy"] <= 1
        feed.close()
