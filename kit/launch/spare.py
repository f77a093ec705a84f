"""The next server's data, made ready while nobody waits, so that its start only moves them in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from kit import databases
from kit.databases.base import Database, Program, Site
from kit.errors import ServerDied
from kit.launch import account, archive, files, paths, ports, processes, template
from kit.launch.ready import Wait
from kit.launch.site import password
from kit.launch.spawn import spawn, spell
from kit.launch.template import Order
from kit.launch.watch import open_log

_MANIFEST, _PASSWORD = "manifest.json", "password"
_PATIENCE = 20.0
_DEATH_TAKES = 3.0
_UNHURRIED = 10


def wanted(database: Database) -> bool:
    """Tell whether a start of the database gains from data that lie ready."""
    return database.templated or database.admits_ahead


def take(order: Order, data: Path) -> str | None:
    """Move the spare data to `data`; return the password that they hold, "" where they hold none.

    Return None where there are none, or none that are whole and within reach.
    """
    taken = data.with_name("spare")
    try:
        _place(order).rename(taken)
    except OSError:
        # None were made yet, or the cache is on another disk.
        return None
    try:
        if archive.sound(taken / _MANIFEST, taken / "data", order.who):
            secret = (taken / _PASSWORD).read_text()
            (taken / "data").rename(data)
            return secret
    except OSError:
        pass
    finally:
        shutil.rmtree(taken, ignore_errors=True)
    return None


def forget(order: Order) -> None:
    """Remove the spare data."""
    shutil.rmtree(_place(order), ignore_errors=True)


def command(order: Order, home: Path) -> list[str]:
    """Return the command that makes spare data, and does nothing where there are some."""
    program = asdict(order.program) | {"path": str(order.program.path)}
    return [
        *(sys.executable, "-m", "kit.launch.spare"),
        *(str(home), str(order.cache), order.database.name, json.dumps(program)),
    ]


def make(order: Order, home: Path) -> None:
    """Make spare data, in a directory of their own below `home`."""
    place = _place(order)
    paths.create(order.cache)
    if place.exists() or home.stat().st_dev != order.cache.stat().st_dev:
        return
    directory = home / paths.AHEAD / str(os.getpid())
    site = Site(directory=directory, port=ports.choose(0), password=password())
    paths.create(directory.parent)
    paths.create(directory)
    # Whoever sweeps the directory finds what works in it.
    os.chdir(directory)
    try:
        _lay_out(order, site)
        if order.database.admits_ahead:
            _admit(order, site)
        _keep(site, place, site.password if order.database.admits_ahead else "")
    finally:
        os.chdir(home)
        processes.clear(directory, _DEATH_TAKES)
        shutil.rmtree(directory, ignore_errors=True)


def _lay_out(order: Order, site: Site) -> None:
    if order.database.templated:
        archive.unpack(order.place / archive.NAME, site.data)
    else:
        site.data.mkdir(mode=0o700)
        account.give(site.data, order.who)


def _admit(order: Order, site: Site) -> None:
    """Run the server for as long as it takes to give it its password."""
    how = order.database.command(order.program, site)
    files.put_all(site.directory, how.files, order.who)
    with open_log(site.directory) as log:
        server = spawn(spell(how, site, order.who), site.directory, log.fileno())
    wait = Wait(order.database.title, order.deadline, partial(_check_alive, server.poll))
    wait.until(lambda: ports.check_ours(site.port, site.directory, server.pid))
    wait.until(lambda: order.database.admit(site))
    server.send_signal(how.stop)
    server.wait(_PATIENCE)


def _check_alive(code: Callable[[], int | None]) -> None:
    if code() is not None:
        raise ServerDied("A server that was to get its password ahead ended before that.")


def _keep(site: Site, place: Path, secret: str) -> None:
    spare = site.directory / "spare"
    spare.mkdir(mode=0o700)
    archive.seal(site.data, spare / _MANIFEST)
    files.put(spare / _PASSWORD, secret, None)
    site.data.rename(spare / "data")
    with suppress(OSError):
        # Of two that are made at once, one wins.
        spare.rename(place)


def _place(order: Order) -> Path:
    return order.place.with_name(f"{order.place.name}.spare")


def main() -> None:
    """Make spare data as `command` says, and end with the supervisor."""
    home, cache, name, program = sys.argv[1:]
    processes.die_with_parent(signal.SIGKILL)
    os.nice(_UNHURRIED)
    database, found = databases.get(name), json.loads(program)
    found["path"] = Path(found["path"])
    who = account.for_database(database)
    deadline = time.monotonic() + _PATIENCE
    make(template.Order(database, Program(**found), who, deadline, cache=Path(cache)), Path(home))


if __name__ == "__main__":
    main()
