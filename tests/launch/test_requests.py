"""A call that cannot be right is refused at once, with the nearest right spelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.errors import KitError, UnknownName, UsageError
from kit.launch.start import running, start


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("postgres", "postgresql"),
        ("PostgreSQL", "postgresql"),
        ("mongo", "mongodb"),
        ("mariadb", "mysql"),
        ("valkey", "redis"),
        ("promethus", "prometheus"),
    ],
)
def test_an_unknown_database_is_answered_with_the_one_that_was_meant(
    given: str, meant: str
) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'"):
        start(given)


def test_a_database_like_no_other_is_answered_with_the_list() -> None:
    with pytest.raises(
        UnknownName, match="Choose one of: alertmanager, dynamodb, influxdb, memcached"
    ):
        start("xyz")


@pytest.mark.parametrize(
    ("given", "meant"), [("setings", "settings"), ("time_out", "timeout"), ("ports", "port")]
)
def test_an_unknown_option_is_answered_with_the_nearest(given: str, meant: str) -> None:
    with pytest.raises(UnknownName, match=r"option of kit\.start") as refusal:
        start("redis", **{given: 1})
    assert meant in str(refusal.value)


def test_an_unknown_backend_is_answered_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'container'"):
        start("redis", backend="containers")
    monkeypatch.setenv("KIT_BACKEND", "proces")
    with pytest.raises(UnknownName, match="Did you mean 'process'"):
        start("redis")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": 0}, "timeout="),
        ({"timeout": "long"}, "timeout="),
        ({"port": -1}, "port="),
        ({"port": 65536}, "port="),
        ({"port": "5432"}, "port="),
        ({"name": "../up"}, "cannot name a server"),
        ({"name": ""}, "cannot name a server"),
        ({"name": "x" * 41}, "cannot name a server"),
        ({"settings": "fast"}, "settings="),
        ({"url": "redis://host", "backend": "process"}, "url="),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_the_name_of_its_option(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        start("redis", **options)


def test_an_url_beats_the_backend_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_BACKEND", "process")
    with start("redis", backend="process") as server:
        assert start("redis", url=server.url).backend == "external"


def test_a_notebook_shows_the_message_and_not_the_kits_own_frames() -> None:
    with pytest.raises(KitError) as refusal:
        start("postgres")
    (line,) = refusal.value._render_traceback_()
    assert line.startswith("UnknownName: There is no database called 'postgres'.")


def test_what_is_refused_starts_nothing(own_home: Path) -> None:
    for options in ({"timeout": 0}, {"nonsense": 1}, {"backend": "none"}):
        with pytest.raises(UsageError):
            start("redis", **options)
    assert not running()
    assert not list(own_home.iterdir())
