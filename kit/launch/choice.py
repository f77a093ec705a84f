"""Which of the server programs on this machine is run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kit.databases import programs
from kit.databases.base import Database, Program
from kit.errors import ServerMissing
from kit.launch import account
from kit.launch.request import matches


def within_reach(database: Database) -> list[Program]:
    """List the programs that can run here, the first choice first.

    A server that refuses root runs under another account, which may not see into root's folders.
    """
    who = account.for_database(database)
    return [one for one in programs.choose(database) if not _closed(one, who)]


def find(database: Database, version: str | None) -> Program:
    """Return the program to run; raise ServerMissing with what to type to get it."""
    for program in within_reach(database):
        if matches(program.version, version):
            return program
    raise ServerMissing(_cause(database, version, programs.choose(database)))


def how_to_install(database: Database) -> str:
    """Spell the ways to install the database's server, the shortest first."""
    spelled = {
        "apt": "sudo apt-get install {}",
        "conda": "conda install -c conda-forge {}",
        "brew": "brew install {}",
        "pip": "pip install '{}'",
    }
    ways = [spelled[way].format(what) for way, what in database.install.items()]
    return "  or  ".join([*ways, "make setup"])


def _closed(program: Program, who: account.Account | None) -> Path | None:
    return account.barrier(program.path.resolve(), who)


def _cause(database: Database, version: str | None, here: Sequence[Program]) -> str:
    for program in here:
        if matches(program.version, version):
            return _out_of_reach(program, _closed(program, account.for_database(database)))
    if here:
        found = ", ".join(f"{one.product} {one.version}" for one in here)
        return (
            f"{database.title} {version} is not on this machine; {found} is. "
            'Leave version= out, or use a container: kit.start(..., backend="container")'
        )
    variable = programs.variable(database)
    if named := os.environ.get(variable):
        return (
            f"{variable} names {named}, which is no {database.title} server that "
            f"runs here. Name its program by the whole path, or: unset {variable}"
        )
    how = how_to_install(database)
    return f"{database.title} is not installed on this machine. Install it: {how}"


def _out_of_reach(program: Program, closed: Path | None) -> str:
    return (
        f"{program.product} {program.version} refuses to run as root, and {closed}, where it lies, "
        "is closed to the account that it runs as instead. Start JupyterLab as an ordinary user, "
        "or keep the kit in a folder that is open to all, such as /opt"
    )
