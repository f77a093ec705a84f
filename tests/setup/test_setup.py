"""The set-up: what it does, what it says, and what it leaves alone."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from binder import servers

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str, **variables: str) -> str:
    done = subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_make_help_lists_every_target() -> None:
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    assert re.findall(r"^  make (\w+) +\S", make("help"), re.MULTILINE) == targets[1].split()


def test_the_lab_listens_to_this_machine_alone_and_needs_no_screen() -> None:
    blind, sighted = make("-n", "lab", PORT="1234"), make("-n", "lab", DISPLAY=":0")
    assert "--ip=127.0.0.1 --port=1234" in blind
    assert "--no-browser" in blind
    assert "--no-browser" not in sighted
    assert ("--allow-root" in blind) == (os.geteuid() == 0)


@pytest.mark.parametrize("path", ["bootstrap.py", "binder/servers.py"])
def test_an_old_python_can_read_what_tells_it_so(path: str) -> None:
    ast.parse((ROOT / path).read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("version", [(3, 7, 16), (3, 10, 12), (3, 14, 0)])
def test_an_unfit_python_is_named_with_the_next_command(
    version: tuple[int, int, int], bare_machine: Path
) -> None:
    with pytest.raises(bootstrap.SetupError, match=rf"is {version[0]}\.{version[1]} .*\nNext: uv "):
        bootstrap.need_fitting_python(version)


def test_an_unfit_python_hands_over_to_a_fitting_one(bare_machine: Path) -> None:
    (bare_machine / "python3.12").symlink_to(sys.executable)
    code = "import bootstrap; bootstrap.need_fitting_python((3, 9, 2))"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        cwd=ROOT,
        env={"PATH": str(bare_machine)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: bootstrap.py" in done.stdout


def test_a_missing_venv_is_told_with_the_package_to_install(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(servers, "become_root", lambda: None)
    with pytest.raises(bootstrap.SetupError, match=r"sudo apt-get install python3\.11-venv"):
        bootstrap.need_venv("python3.11-venv")


def test_too_little_room_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", str(tmp_path / ".venv/bin/python"))
    monkeypatch.setattr(bootstrap, "ROOM", 10**18)
    with pytest.raises(bootstrap.SetupError, match="disk is too full"):
        bootstrap.make_venv(use_uv=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "next_command"),
    [
        ("OSError: [Errno 28] No space left on device", "df -h"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7", "pgrep"),
        ("E: dpkg was interrupted, you must manually run it", "dpkg --configure -a"),
        ("Temporary failure in name resolution", "pip config list"),
        ("NewConnectionError: [Errno 101] Network is unreachable", "pip config list"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "pip config list"),
        ("PermissionError: [Errno 13] Permission denied: '.venv/lib'", "chown"),
        ("Resolved 1 package in 3ms\nBuild failed", "make setup, once that is mended"),
    ],
)
def test_a_failed_step_says_the_cause_and_the_next_command(said: str, next_command: str) -> None:
    message = bootstrap.explain("Python packages", said)
    assert re.fullmatch(rf"Python packages: .+\.?\nNext: .*{re.escape(next_command)}.*", message)


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the steps of a set-up in a directory of its own in place of running them."""
    taken: list[str] = []
    (tmp_path / "python").touch()
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(bootstrap, "PYTHON", str(tmp_path / "python"))
    monkeypatch.setattr(bootstrap, "make_venv", lambda _: taken.append("Virtual environment"))
    monkeypatch.setattr(bootstrap, "step", lambda title, *_: taken.append(title))
    monkeypatch.setattr(servers, "become_root", lambda: None)
    return taken


def test_a_second_set_up_has_nothing_to_do(
    steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(servers, "missing_packages", lambda names: names[:1])
    bootstrap.set_up(with_tests=True)
    assert steps[0] == "Virtual environment"
    assert steps[-1] == "The kit itself"
    capsys.readouterr()
    steps.clear()
    monkeypatch.setattr(servers, "missing_packages", lambda names: names[:0])
    bootstrap.set_up(with_tests=True)
    assert steps == []
    assert capsys.readouterr().out.startswith("✓ Set up")


def test_what_only_tests_need_is_added_once_and_again_when_it_changes(
    steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "TESTS_STAMP", tmp_path / "tests.stamp")
    monkeypatch.setattr(bootstrap, "TESTS_LOCK", tmp_path / "lock")
    for text in ("one==1", "one==1", "one==2"):
        (tmp_path / "lock").write_text(text)
        bootstrap.add_test_packages()
    assert steps == ["What only tests need"] * 2


def test_a_package_that_is_not_to_be_had_is_not_asked_for_again(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(servers, "missing_packages", lambda names: asked.append(names) or names)
    bootstrap.set_up(with_tests=False)
    bootstrap.set_up(with_tests=False)
    assert asked[-1] == []


@pytest.mark.parametrize(
    ("user", "engine", "wanted"),
    [(0, None, True), (0, "/usr/sbin/dockerd", False), (1000, None, False)],
)
def test_the_tests_get_an_engine_where_root_has_none(
    user: int, engine: str | None, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(servers, "find_program", lambda _: engine)
    assert ("docker.io" in bootstrap.wanted_packages(with_tests=True)) is wanted
    assert "docker.io" not in bootstrap.wanted_packages(with_tests=False)


def test_an_interrupt_lets_a_step_end_by_itself(tmp_path: Path) -> None:
    """A package manager that is killed half way leaves a broken machine."""
    os.mkfifo(tmp_path / "begun")
    child = "trap 'echo > ended; exit 1' INT; echo > begun; while true; do sleep 0.1; done"
    code = f"import bootstrap; bootstrap.ROOT = {str(tmp_path)!r}; "
    code += f"bootstrap.step('Packages', 'bash', '-c', {child!r})"
    step = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE)
    (tmp_path / "begun").read_text()
    step.send_signal(signal.SIGINT)
    _, error = step.communicate(timeout=60)
    assert b"KeyboardInterrupt" in error
    assert (tmp_path / "ended").exists()
