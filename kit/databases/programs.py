"""Find server programs on this machine."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path

from kit.databases.base import Database, Program

_NAMED = re.compile(r"KIT_\w+_PROGRAM")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_ROOT = "/"
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/usr/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin")


def variable(database: Database) -> str:
    """Name the environment variable that picks the program to run."""
    return f"KIT_{database.name.upper()}_PROGRAM"


def choose(database: Database) -> list[Program]:
    """List the database's programs; where its variable names one, that one alone if it is there."""
    found, named = database.programs(), os.environ.get(variable(database))
    return [program for program in found if not named or program.path == Path(named)]


def search(
    binary: str, *, product: str, flag: str = "--version", also: Sequence[str] = ()
) -> list[Program]:
    """List the programs called `binary`, the one that a variable names first.

    They are looked for on PATH, in the system's folders and in the globs `also`.
    """
    found: dict[Path, Program] = {}
    for path in _candidates(binary, also):
        version = _ask(path, flag)
        if version:
            # The name a program is called by can decide what it does, so the link is kept.
            program = Program(path=path, product=product, version=version)
            found.setdefault(path.resolve(), program)
    return list(found.values())


def package(name: str, *, product: str, path: Path) -> list[Program]:
    """List the server that comes as the Python package `name`, if it is installed."""
    try:
        return [Program(path=path, product=product, version=package_version(name))]
    except PackageNotFoundError:
        return []


@contextmanager
def running(argv: Sequence[str], directory: Path) -> Iterator[None]:
    """Run a server while its data directory is being prepared, and kill it then.

    What it is told must be on the disk once it is acknowledged.
    """
    with open(directory / "setup.log", "ab", opener=_private) as log:
        server = subprocess.Popen(
            argv, cwd=directory, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        server.kill()
        server.wait()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _candidates(binary: str, also: Sequence[str]) -> Iterator[Path]:
    named = [Path(value) for key, value in os.environ.items() if _NAMED.fullmatch(key)]
    folders = [str(path.parent) for path in named if path.name == binary]
    folders += os.environ.get("PATH", "").split(os.pathsep)
    for pattern in (*_SYSTEM, *also):
        below = os.path.join(_ROOT, pattern.lstrip("/"))
        folders += sorted(glob.glob(below), key=_newest_first)
    for folder in folders:
        path = Path(folder, binary)
        if folder and os.access(path, os.X_OK) and path.is_file():
            yield path


def _newest_first(folder: str) -> list[int]:
    return [-int(number) for number in re.findall(r"\d+", folder)]


@cache
def _ask(path: Path, flag: str) -> str:
    try:
        answer = subprocess.run(
            [path, flag], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # What cannot be loaded answers too, with the names of libraries and their numbers.
    match = None if answer.returncode else _VERSION.search(answer.stdout + answer.stderr)
    return match.group() if match else ""
