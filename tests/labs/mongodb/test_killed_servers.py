"""Servers that are killed under a panel: it says so, and goes on with what came back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kit.errors import UsageError
from kit.labs import mongodb
from kit.labs.mongodb.shards import place
from kit.launch.start import start
from kit.launch.topology import topology
from tests.labs.mongodb.documents import HOSTILE
from tests.traces import await_true


def test_the_feed_hears_another_process_in_order_and_goes_on_after_a_crash(product: str) -> None:
    program = (
        "import os, pymongo\n"
        "with pymongo.MongoClient(os.environ['MONGODB_URL']) as client:\n"
        "    live = client['mlops_db']['live']\n"
        "    for n in range(3): live.insert_one({'_id': n, 'x': os.getpid()})\n"
        "    live.update_one({'_id': 0}, {'$set': {'x': '" + HOSTILE + "'}})\n"
    )
    with start("mongodb", name="feeding") as server:
        feed = mongodb.feed(server, "live")
        assert "Nothing has changed yet" in feed.static_text()
        there = os.environ | {"MONGODB_URL": str(server.url)}
        subprocess.run([sys.executable, "-c", program], env=there, check=True)
        assert feed.wait_for(4) == 4
        assert [one.operation for one in feed.changes] == ["insert"] * 3 + ["update"]
        assert [one.key for one in feed.changes] == ["0", "1", "2", "0"]
        assert HOSTILE not in feed.static_html()
        server.kill()
        server.restart()
        subprocess.run(
            [sys.executable, "-c", program.replace("range(3)", "range(7, 9)")],
            env=there,
            check=True,
        )
        assert feed.wait_for(6, seconds=60) == 6
        feed.go.click()
        await_true(lambda: not feed.watch.running, "a click stops it")
        feed.go.click()
        await_true(lambda: feed.watch.running and feed.go.description == "Stop", "another goes on")
        feed.close()
        assert not feed.watch.running


def test_lost_servers_are_told_in_words_by_every_panel(product: str) -> None:
    with start("mongodb", name="lost-labs") as server:
        panels = [
            mongodb.documents(server),
            mongodb.indexes(server, {}, collection="x"),
            mongodb.transactions(server),
        ]
        server.kill()
        panels[0].look()
        panels[1].run()
        panels[2].restart()
        panels[2].run()
        for panel in panels:
            assert "is not running" in panel.notice.static_text()
            assert panel.status.state == "failed"
        server.restart()
        panels[1].run()
        panels[2].run()
        assert [panel.status.state for panel in panels[1:]] == ["done", "done"]
        for panel in panels:
            panel.close()


def test_documents_are_spread_by_a_keys_hash_and_every_server_counts_its_own(product: str) -> None:
    documents = [{"n": n, "odd": n % 2, "s": HOSTILE} for n in range(300)]
    with topology("mongodb", "ring", nodes=3) as ring:
        shown = mongodb.shards(ring, documents, ["n", "odd"], questions=[{"n": 7}, {"odd": 1}])
        good, bad = shown.spreads.values()
        wanted = [[place(one, [key], 3) for one in documents] for key in ("n", "odd")]
        for found, places in zip((good, bad), wanted, strict=True):
            assert list(found.counts) == [places.count(number) for number in range(3)]
        assert min(good.counts) > 80
        assert 0 in bad.counts
        assert good.asked == [(1, 1), (3, 150)]
        assert bad.asked == [(3, 1), (1, 150)]
        assert "no mongos routes" in shown.static_text()
        assert [bar.value for bar in shown.bars.bars] == [*good.counts, *bad.counts]
        assert shown.spread("nothing") is None
        assert "No document has a field nothing" in shown.notice.static_text()
        ring[1].kill()
        assert shown.spread("s") is None
        assert "is not running" in shown.notice.static_text()
        ring[1].restart()
        assert shown.spread("s") is not None
        assert HOSTILE not in shown.static_html()
        shown.close()
    with pytest.raises(UsageError):
        mongodb.shards([], documents, ["n"])
