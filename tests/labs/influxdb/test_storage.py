"""What InfluxDB keeps is counted by the server and on its disk: points, series and bytes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs.influxdb import downsampling, holding, influxql, series, stores
from kit.labs.influxdb.cardinality import cardinality
from kit.labs.influxdb.retention import retention
from kit.labs.influxdb.session import Session
from kit.labs.influxdb.storage import storage
from kit.launch.start import start
from tests.labs.influxdb.panels import labels
from tests.panels import said


def test_each_step_shows_what_the_server_and_the_disk_hold(session: Session, shown: Any) -> None:
    lab = shown(retention(session.server))
    assert "Nothing is written yet" in lab.static_text()
    assert lab.second.disabled
    lab.write()
    assert lab.held[0].fine.points == len(downsampling.simulated())
    assert lab.held[0].fine.disk == lab.held[0].fine.reported > 0
    lab.downsample()
    minutes = downsampling.windows(session)
    assert lab.held[1].coarse.points == minutes == downsampling.HOURS * 60 * 2
    lab.expire()
    assert lab.held[2].fine.points < lab.held[1].fine.points
    assert lab.held[2].fine.bytes < lab.held[1].fine.bytes
    assert lab.held[2].coarse.points >= minutes
    assert downsampling.expired(session) == 0
    assert labels(lab) == ["fine", "coarse mean", "coarse max"]
    assert said(lab).startswith("✓ expired")


def test_the_coarse_series_is_the_mean_of_the_fine_one(session: Session) -> None:
    downsampling.prepare(session)
    downsampling.fill(session, hours=1)
    downsampling.coarsen(session, hours=1)
    assert downsampling.filled(session)
    asked = 'SELECT mean("percent") AS "mean" FROM "fine"."gpu_use" WHERE run_id = \'run-a\''
    wanted = session.one(f"{asked} GROUP BY time(1m) fill(none)", database=downsampling.DATABASE)
    coarse = 'SELECT "mean" FROM "coarse"."gpu_use" WHERE run_id = \'run-a\''
    found = session.one(coarse, database=downsampling.DATABASE)
    assert found[0].rows == wanted[0].rows


def test_a_server_that_looks_seldom_is_not_waited_for(session: Session) -> None:
    downsampling.prepare(session)
    downsampling.fill(session, hours=2)
    assert downsampling.check_interval(session) == "5s"
    statement, gone = downsampling.expire(session, patience=1)
    assert "DURATION 1h" in statement
    assert not gone


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m0s", 1800),
        ("1h0m0s", 3600),
        ("5s", 5),
        ("1.5s", 1.5),
        ("1w", 604_800),
        ("soon", math.inf),
        ("", math.inf),
    ],
)
def test_a_duration_is_read_as_the_server_writes_it(text: str, seconds: float) -> None:
    assert influxql.seconds(text) == seconds


def test_bytes_out_of_reach_are_those_that_the_server_reports() -> None:
    held = holding.Holding(points=1, shards=1, reported=500, disk=None)
    assert held.bytes == 500


def test_a_run_id_as_a_tag_makes_a_series_for_each_run_and_as_a_field_none(
    session: Session, shown: Any
) -> None:
    lab = shown(cardinality(session.server, most=2000, run=True))
    by_tag = {cost.runs: cost for cost in lab.costs if cost.kept_as == "tag"}
    by_field = {cost.runs: cost for cost in lab.costs if cost.kept_as == "field"}
    assert {runs: cost.series for runs, cost in by_tag.items()} == {1000: 1000, 2000: 2000}
    assert {cost.series for cost in by_field.values()} == {1}
    assert by_tag[2000].index > by_tag[1000].index > by_field[2000].index
    assert labels(lab) == ["as a tag", "as a field"]
    assert "kit_cardinality" not in session.one("SHOW DATABASES")[0].column("name")


def test_measuring_cardinality_ends_where_it_is_told_to(session: Session) -> None:
    found = series.measure(session, counts=(10, 20), times=1, told=lambda cost: False)
    assert [(cost.runs, cost.kept_as) for cost in found] == [(10, "tag")]


def test_both_databases_hold_the_same_points_and_give_the_same_means(
    session: Session, shown: Any
) -> None:
    with start("postgresql", name="beside") as postgres:
        lab = shown(storage(session.server, postgres, points=2000, run=True))
        assert "both gave the same means" in said(lab)
        assert [one.name for one in lab.found] == ["InfluxDB", "PostgreSQL"]
        assert all(one.bytes > 0 and one.write.low > 0 < one.query.low for one in lab.found)
        assert "this PostgreSQL does not" in lab.static_text()
        postgres.kill()
        lab.measure()
        assert said(lab).startswith("✗")
        postgres.restart()
        lab.measure()
        assert "both gave the same means" in said(lab)


def test_means_that_differ_are_noticed() -> None:
    assert stores.agree([1.0, 2.0], [1.0, 2.0])
    assert not stores.agree([1.0, 2.0], [1.0, 2.1])
    assert not stores.agree([1.0], [1.0, 2.0])


def test_the_comparison_wants_a_postgresql(session: Session) -> None:
    with pytest.raises(UsageError, match=r'kit\.start\("postgresql", durable=True\)'):
        storage(session.server, session.server)
