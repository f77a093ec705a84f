"""Which image is run, how it is fetched, and what is said when it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kit import databases
from kit.errors import ImageMissing
from kit.launch import engine, image
from kit.launch.request import Progress
from kit.launch.start import start
from tests.containers.fixtures import Choose
from tests.containers.registry import registry

# Nobody listens on the first port: a registry that cannot be reached, without a network.
ABSENT = "127.0.0.1:1/kit-test/absent:1"


@pytest.mark.parametrize("name", databases.names())
def test_every_official_image_is_pinned_to_a_version(name: str) -> None:
    _, tag = image.split(databases.get(name).image)
    assert tag.lstrip("v")[:1].isdigit()


@pytest.mark.parametrize(
    ("chosen", "version", "expected"),
    [
        (None, None, "redis:8.2.1"),
        (None, "7.4", "redis:7.4"),
        ("host:5000/our/redis", "7.4", "host:5000/our/redis:7.4"),
        ("host:5000/our/redis:8@sha256:00", "7.4", "host:5000/our/redis:7.4"),
        ("host:5000/our/redis:8", None, "host:5000/our/redis:8"),
    ],
)
def test_a_version_becomes_the_tag_of_the_chosen_image(
    chosen: str | None, version: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KIT_REDIS_IMAGE", raising=False)
    if chosen:
        monkeypatch.setenv("KIT_REDIS_IMAGE", chosen)
    assert image.name(databases.get("redis"), version) == expected


def test_a_version_of_prometheus_gets_the_letter_that_its_tags_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KIT_PROMETHEUS_IMAGE", raising=False)
    assert image.name(databases.get("prometheus"), "3.4.2") == "prom/prometheus:v3.4.2"


@pytest.mark.container
@pytest.mark.timeout(600)
def test_the_version_asked_for_is_the_one_that_runs(
    choose: Choose, socket: Path, place: Path
) -> None:
    built = choose("memcached")
    repository, _ = image.split(built)
    with engine.client(socket) as client:
        client.images.get(built).tag(repository, "1.6")
        try:
            with start("memcached", backend="container", version="1.6") as server:
                assert server.version.startswith("1.6.")
        finally:
            client.images.remove(f"{repository}:1.6")


@pytest.mark.container
def test_an_absent_image_is_named_with_the_ways_out(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_REDIS_IMAGE", ABSENT)
    with pytest.raises(ImageMissing) as caught:
        start("redis", backend="container")
    said = str(caught.value)
    for part in (
        f"docker pull {ABSENT}",
        "KIT_REDIS_IMAGE",
        'backend="process"',
        "cannot be reached",
    ):
        assert part in said


@pytest.mark.container
def test_without_the_image_and_without_a_wish_a_local_process_takes_over(
    choose: Choose, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not databases.get("redis").programs():
        pytest.skip("Redis is not installed on this machine")
    monkeypatch.setenv("KIT_REDIS_IMAGE", ABSENT)
    with start("redis", backend="process"):
        pass
    usual = {*filter(Path.is_file, place.iterdir())}
    with start("redis") as server:
        assert server.backend == "process"
    assert {*filter(Path.is_file, place.iterdir())} <= usual


@pytest.mark.container
def test_an_image_is_fetched_layer_by_layer(socket: Path) -> None:
    steps: list[str] = []
    with registry() as name, _fetched(socket, f"{name}:1", steps.append):
        pass
    assert steps[0] == f"Fetching {name}:1"
    assert any("of 6 MB" in step for step in steps)
    assert steps[-1].startswith(f"Fetching {name}:1: 2 of 2 layers")


@pytest.mark.container
def test_a_tag_that_the_registry_does_not_have_is_told_from_a_missing_network(
    socket: Path,
) -> None:
    with (
        registry() as name,
        _fetched(socket, f"{name}:1", _quietly) as client,
        pytest.raises(ImageMissing, match="does not give it out") as caught,
    ):
        image.provide(client, f"{name}:2", databases.get("redis"), _quietly)
    assert f"KIT_REDIS_IMAGE={name}:1" in str(caught.value)


@contextmanager
def _fetched(socket: Path, name: str, progress: Progress) -> Iterator[Any]:
    with engine.client(socket) as client:
        image.provide(client, name, databases.get("redis"), progress)
        try:
            yield client
        finally:
            client.images.remove(name)


def _quietly(_: str) -> None:
    """Say nothing of the progress."""
