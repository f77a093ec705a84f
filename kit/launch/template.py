"""Data directories that were initialised once and are unpacked for each new server."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kit.databases.base import Database, Program, Site, at_port
from kit.errors import KitError, StartError, StartTimeout
from kit.launch import account, archive, paths, ports, spare
from kit.launch.account import Account
from kit.launch.request import Progress
from kit.launch.run import Run

_MANIFEST = "manifest.json"
_POLL = 0.02
# Another version of the kit may still use its own; at worst it makes it again.
_OLD = 30 * 86_400.0  # seconds


@dataclass(frozen=True)
class Order:
    """Which data directory is wanted, owned by whom, and by when (monotonic seconds)."""

    database: Database
    program: Program
    who: Account | None
    deadline: float


def provide(order: Order, site: Site, progress: Progress) -> None:
    """Put an initialised data directory into `site`; the first of its kind stays as a template."""
    template = _ensure_cache() / _key(order.database, order.program)
    if _laid_out(spare.take, template, site.data, order.who):
        return
    # Unpacking shares the lock, so that nobody replaces a template under another's hands.
    for lock in (fcntl.LOCK_SH, fcntl.LOCK_EX):
        with _locked(template, lock, order):
            if _laid_out(_unpack, template, site.data, order.who):
                return
            if lock == fcntl.LOCK_EX:
                progress(f"Creating {order.program.product}'s files, once on this machine")
                _build(order, site, template)


def forget(database: Database, program: Program) -> None:
    """Remove the template, so that the next start builds it anew."""
    template = paths.cache() / _key(database, program)
    spare.forget(template)
    shutil.rmtree(template, ignore_errors=True)


def spare_command(database: Database, program: Program) -> list[str]:
    """Return the command that readies the next server's data directory."""
    return spare.command(paths.cache() / _key(database, program))


def _laid_out(
    lay_out: Callable[[Path, Path], bool], template: Path, data: Path, who: Account | None
) -> bool:
    if lay_out(template, data) and _sound(template, data, who):
        return True
    shutil.rmtree(data, ignore_errors=True)
    return False


def _unpack(template: Path, data: Path) -> bool:
    try:
        archive.unpack(template / archive.NAME, data)
    except OSError:
        # None was made yet, it is damaged, or the disk is full: making a new one will tell.
        return False
    return True


def _key(database: Database, program: Program) -> str:
    source = Path(str(sys.modules[type(database).__module__].__file__)).read_bytes()
    recipe = hashlib.sha256(source + str(program.path).encode()).hexdigest()[:10]
    return f"{database.name}-{program.product.lower()}-{program.version}-{recipe}"


def _ensure_cache() -> Path:
    home = paths.cache()
    try:
        paths.create(home)
    except OSError as error:
        raise paths.unwritable(home, error, variable="KIT_CACHE") from None
    return home


@contextmanager
def _locked(template: Path, kind: int, order: Order) -> Iterator[None]:
    path = template.with_name(f"{template.name}.lock")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "a"))
        except OSError as error:
            raise paths.unwritable(path.parent, error, variable="KIT_CACHE") from None
        while not _acquired(file, kind):
            if time.monotonic() > order.deadline:
                raise StartTimeout(
                    f"Another start has been creating {order.program.product}'s files all the "
                    "time. Try again in a minute, or give it longer: kit.start(..., timeout=180)"
                )
            time.sleep(_POLL)
        yield


def _acquired(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sound(template: Path, data: Path, who: Account | None) -> bool:
    """Tell whether `data` is whole and our own; a broken or foreign one is built anew."""
    try:
        manifest = json.loads((template / _MANIFEST).read_text())
        owner = data.stat().st_uid
    except (OSError, ValueError):
        return False
    return bool(owner == (who.uid if who else os.getuid()) and manifest == _measure(data))


def _measure(data: Path) -> dict[str, int]:
    files = bytes_ = 0
    folders = [str(data)]
    while folders:
        for entry in os.scandir(folders.pop()):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                files += 1
                bytes_ += entry.stat(follow_symlinks=False).st_size
    return {"files": files, "bytes": bytes_}


def _build(order: Order, site: Site, template: Path) -> None:
    # Done in the server's own directory, it is tidied away with it if this process is killed.
    site.data.mkdir(mode=0o700)
    account.give(site.data, order.who)
    run = Run(order.database, site.directory, order.who, order.deadline)
    try:
        # A server that is run to be set up must not need the port that was asked for.
        order.database.initialise(order.program, at_port(site, ports.choose(0)), run)
    except (KitError, OSError):
        raise
    except Exception as error:
        raise StartError(
            f"{order.database.title} could not be set up: {str(error).strip().splitlines()[0]}. "
            "Try again, or look at: kit doctor"
        ) from None
    try:
        _keep(site.data, template)
    except OSError as error:
        raise paths.unwritable(template.parent, error, variable="KIT_CACHE") from None


def _keep(data: Path, template: Path) -> None:
    # The lock is ours, so what lies here under these names is damaged, foreign or half copied.
    spare.forget(template)
    building = template.with_name(f"{template.name}.building")
    for remains in (template, building):
        shutil.rmtree(remains, ignore_errors=True)
    building.mkdir(mode=0o700)
    try:
        archive.pack(data, building / archive.NAME)
        (building / _MANIFEST).write_text(json.dumps(_measure(data)))
        building.rename(template)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _forget_old(template)


def _forget_old(template: Path) -> None:
    """Remove what was made long ago for the same database, by other recipes and versions."""
    database = template.name.split("-")[0]
    for other in template.parent.glob(f"{database}-*/"):
        if not other.name.startswith(template.name) and time.time() - other.stat().st_mtime > _OLD:
            shutil.rmtree(other, ignore_errors=True)
