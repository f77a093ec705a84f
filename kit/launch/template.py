"""Data directories that were initialised once and are unpacked for each new server."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

from kit.databases.base import Database, Program, Site, at_port
from kit.errors import KitError, StartError, StartTimeout
from kit.launch import account, archive, paths, ports
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
    cache: Path = field(default_factory=paths.cache)

    @cached_property
    def place(self) -> Path:
        """The template's directory: another version, recipe or program has another."""
        source = Path(str(sys.modules[type(self.database).__module__].__file__)).read_bytes()
        recipe = hashlib.sha256(source + str(self.program.path).encode()).hexdigest()[:10]
        product = self.program.product.lower()
        return self.cache / f"{self.database.name}-{product}-{self.program.version}-{recipe}"


def provide(order: Order, site: Site, progress: Progress) -> None:
    """Put an initialised data directory into `site`; the first of its kind stays as a template."""
    _ensure(order.cache)
    # Unpacking shares the lock, so that nobody replaces a template under another's hands.
    for lock in (fcntl.LOCK_SH, fcntl.LOCK_EX):
        with _locked(lock, order):
            if _unpacked(order, site.data):
                return
            if lock == fcntl.LOCK_EX:
                progress(f"Creating {order.program.product}'s files, once on this machine")
                _build(order, site)


def forget(order: Order) -> None:
    """Remove the template, so that the next start builds it anew."""
    shutil.rmtree(order.place, ignore_errors=True)


def _unpacked(order: Order, data: Path) -> bool:
    try:
        archive.unpack(order.place / archive.NAME, data)
        if archive.sound(order.place / _MANIFEST, data, order.who):
            return True
    except OSError:
        # None was made yet, it is damaged, or the disk is full: making a new one will tell.
        pass
    shutil.rmtree(data, ignore_errors=True)
    return False


def _ensure(cache: Path) -> None:
    try:
        paths.create(cache)
    except OSError as error:
        raise paths.unwritable(cache, error, variable="KIT_CACHE") from None


@contextmanager
def _locked(kind: int, order: Order) -> Iterator[None]:
    path = order.place.with_name(f"{order.place.name}.lock")
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


def _build(order: Order, site: Site) -> None:
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
        _keep(site.data, order.place)
    except OSError as error:
        raise paths.unwritable(order.cache, error, variable="KIT_CACHE") from None


def _keep(data: Path, template: Path) -> None:
    # The lock is ours, so what lies here under these names is damaged, foreign or half copied.
    building = template.with_name(f"{template.name}.building")
    for remains in (template, building):
        shutil.rmtree(remains, ignore_errors=True)
    building.mkdir(mode=0o700)
    try:
        archive.pack(data, building / archive.NAME)
        archive.seal(data, building / _MANIFEST)
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
