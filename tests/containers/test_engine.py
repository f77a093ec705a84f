"""Why there is no engine is said in one sentence, with what to type; no engine is needed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import EngineMissing
from kit.launch import engine, sockets
from kit.launch.start import start


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    # A Unix socket's path is short.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="kit-") as found:
        monkeypatch.setenv("DOCKER_CONFIG", found)
        Path(found).chmod(0o711)
        yield Path(found)


@pytest.fixture
def deaf(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = folder / "deaf.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield path


def test_a_missing_engine_is_said_with_the_way_around(
    folder: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder / 'none.sock'}")
    assert not engine.answers()
    with pytest.raises(EngineMissing, match=r'no container engine.*backend="process"'):
        start("redis", backend="container")


def test_an_engine_that_does_not_answer_is_to_be_started(deaf: Path) -> None:
    assert not engine.answers()
    assert f"{deaf} does not answer. Start it: " in str(engine.explain())


def test_an_engine_closed_to_the_user_is_to_be_opened(deaf: Path) -> None:
    deaf.chmod(0o000)
    with _unprivileged():
        said = str(engine.explain())
    assert f"{deaf} is closed to you" in said
    assert "usermod -aG docker" in said


def test_a_closed_folder_says_nothing_of_an_engine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder / 'closed/engine.sock'}")
    (folder / "closed").mkdir(mode=0o000)
    with _unprivileged():
        assert "There is no container engine at" in str(engine.explain())


def test_an_engine_elsewhere_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://somebody@elsewhere")
    assert not engine.answers()
    said = str(engine.explain())
    assert "unset DOCKER_HOST" in said
    assert "somebody" not in said


def test_the_current_docker_context_names_the_socket(folder: Path) -> None:
    meta = folder / "contexts/meta" / hashlib.sha256(b"mine").hexdigest()
    meta.mkdir(parents=True)
    host = {"Name": "mine", "Endpoints": {"docker": {"Host": "unix:///elsewhere.sock"}}}
    (meta / "meta.json").write_text(json.dumps(host))
    assert Path("/var/run/docker.sock") in sockets.possible()
    (folder / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    assert sockets.possible() == [Path("/elsewhere.sock")]


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Act as an ordinary user: what is closed to others is not closed to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
