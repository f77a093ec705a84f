"""Servers started by hand: what a start costs without the kit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.databases.base import Database, Site
from kit.launch import account, choice, files, ports, ready
from kit.launch.run import Run
from kit.launch.site import password
from kit.launch.spawn import spell


@contextmanager
def laid_out(database: Database, parent: Path) -> Iterator[Site]:
    """Create a site whose data is ready, by the database's own initialisation alone."""
    directory = parent / f"bare-{database.name}"
    directory.mkdir(mode=0o711)
    site = Site(directory=directory, port=ports.choose(0), password=password())
    try:
        yield site
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def initialise(database: Database, site: Site) -> float:
    """Return the seconds that the database's own initialisation takes."""
    who = account.for_database(database)
    program = choice.find(database, None)
    began = time.perf_counter()
    site.data.mkdir(mode=0o700)
    account.give(site.data, who)
    database.initialise(program, site, Run(database, site.directory, who))
    return time.perf_counter() - began


def start(database: Database, site: Site, *, first: bool) -> float:
    """Return the seconds from exec to the first answered query, and end the server again."""
    who = account.for_database(database)
    program = choice.find(database, None)
    command = database.command(program, site)
    files.put_all(site.directory, command.files, who)
    spelled = spell(command, site, who)
    began = time.perf_counter()
    server = subprocess.Popen(
        spelled["argv"],
        env=spelled["env"],
        cwd=site.directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        user=who.uid if who else None,
        group=who.gid if who else None,
        extra_groups=[] if who else None,
    )
    try:
        _await_answer(database, site, first=first)
        return time.perf_counter() - began
    finally:
        os.kill(server.pid, command.stop)
        _end(server)


def _await_answer(database: Database, site: Site, *, first: bool) -> None:
    endpoint = database.endpoint("127.0.0.1", site.port, site.password)
    wait = ready.Wait(database.title, time.monotonic() + 60, lambda: None)
    wait.until(lambda: ports.check_open(site.port))
    if first:
        wait.until(lambda: database.admit(site))
    wait.until(lambda: database.introduce(endpoint))


def _end(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGKILL)
        server.wait()
