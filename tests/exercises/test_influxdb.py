"""InfluxDB's exercises take a right answer in any form, and tell each wrong one apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.exercises import Verdict, check
from kit.labs.influxdb import downsampling
from kit.launch.server import Server
from kit.launch.start import start

END = 1_774_526_400


@pytest.fixture(autouse=True)
def progress_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_PROGRESS_FILE", str(tmp_path / "progress.json"))


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """Have what the notebook has written when its exercises begin."""
    with start("influxdb", name="exercises") as found:
        client = found.connect()
        runs = {"first": 0.91, "rate 0.1": 0.97, "rate 0.3": 0.97, "slow": 0.4}
        for run, accuracy in runs.items():
            tags = {"run_id": run, "model": "sgd"}
            fields = {"loss": 0.5, "accuracy": accuracy}
            point = {"measurement": "training_metrics", "tags": tags, "fields": fields}
            client.write_points([point])
        morning = downsampling.simulated(hours=1, until_time=END)
        client.write_points(morning, time_precision="s", batch_size=5000, protocol="line")
        client.query(
            "DELETE FROM gpu_use WHERE time >= '2026-03-26T11:20:00Z' "
            "AND time < '2026-03-26T11:40:00Z'"
        )
        client.close()
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    opened = server.connect()
    yield opened
    opened.close()


def tried(exercise: str, answer: object, server: Server) -> Verdict:
    return check(exercise, answer, server=server)


def test_any_run_that_nobody_beat_is_a_best_run(server: Server) -> None:
    assert tried("ix-1", "rate 0.1", server)
    assert tried("ix-1", "rate 0.3", server)
    assert "Another run" in tried("ix-1", "first", server).message
    assert "is called 'nobody'" in tried("ix-1", "nobody", server).message
    assert "is called 0.97" in tried("ix-1", 0.97, server).message


def test_means_are_taken_as_a_mapping_or_as_rows_and_not_rounded_off(
    server: Server, client: Any
) -> None:
    found = client.query("SELECT mean(percent) FROM gpu_use GROUP BY run_id").items()
    means = {tags["run_id"]: next(points)["mean"] for (_, tags), points in found}
    assert tried("ix-2", means, server)
    assert tried("ix-2", list(means.items()), server)
    assert not tried("ix-2", dict.fromkeys(means, 50.0), server)
    assert "GROUP BY" in tried("ix-2", {"run-a": means["run-a"]}, server).hint


def test_silent_windows_are_those_between_the_first_and_the_last_point(server: Server) -> None:
    assert tried("ix-3", 2, server)
    assert tried("ix-3", 2.0, server)
    assert "fill(none)" in tried("ix-3", 0, server).hint
    assert "bound the time" in tried("ix-3", 35_000, server).hint


def test_a_version_has_to_be_a_tagged_integer(server: Server, client: Any) -> None:
    assert "holds no point" in tried("ix-4", True, server).message
    client.write_points(["deployments version=3.0"], protocol="line")
    assert "not a tag" in tried("ix-4", True, server).message
    client.write_points(["deployments,model=digits version=3.0"], protocol="line")
    assert "kept as float" in tried("ix-4", True, server).message
    client.query("DROP MEASUREMENT deployments")
    client.write_points(["deployments,model=digits version=2i"], protocol="line")
    assert "No point says version 3" in tried("ix-4", True, server).message
    client.write_points(["deployments,model=digits version=3i"], protocol="line")
    assert tried("ix-4", True, server)


def test_a_week_is_seven_days_and_no_default(server: Server, client: Any) -> None:
    assert "no policy of that name; there are autogen" in tried("ix-5", "week", server).message
    client.create_retention_policy("week", "7h", "1", database="mlops")
    assert "7h0m0s, not for seven days" in tried("ix-5", "week", server).message
    client.alter_retention_policy("week", database="mlops", duration="1w", default=True)
    assert "default" in tried("ix-5", "week", server).message
    client.alter_retention_policy("autogen", database="mlops", default=True)
    assert tried("ix-5", "week", server)
    assert "no policy of that name" in tried("ix-5", 7, server).message


def test_series_are_counted_as_the_server_counts_them(server: Server) -> None:
    assert tried("ix-6", 4, server)
    assert not tried("ix-6", 5, server)
    assert "SHOW SERIES" in tried("ix-6", 6, server).hint


@pytest.mark.parametrize("number", range(1, 7))
def test_an_answer_that_is_still_the_stub_is_not_yet_one(server: Server, number: int) -> None:
    assert tried(f"ix-{number}", ..., server).state == "not yet"
