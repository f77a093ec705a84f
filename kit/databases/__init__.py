"""The databases the kit knows: one module each, found by looking in this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from kit.databases.base import Database
from kit.databases.companions import COMPANIONS
from kit.errors import UnknownName

_NOT_DATABASES = {"base", "companions", "endpoint", "programs"}


def names() -> list[str]:
    """List the databases in the order of their lessons."""
    return [database.name for database in everything()]


@cache
def get(name: str) -> Database:
    """Return the database or companion called `name`; raise UnknownName with the nearest one."""
    if name in COMPANIONS:
        return COMPANIONS[name]
    if name not in _modules():
        raise _unknown(name)
    module = importlib.import_module(f"{__name__}.{name}")
    found: Database = module.DATABASE
    return found


@cache
def everything() -> tuple[Database, ...]:
    """Return every database in the order of their lessons."""
    return tuple(sorted((get(name) for name in _modules()), key=lambda found: found.lesson))


def _unknown(name: str) -> UnknownName:
    for database in everything():
        if str(name).lower() in database.stand_ins:
            return UnknownName(
                f"There is no database called {str(name)!r}: it can stand in for {database.title}. "
                f"Did you mean {database.name!r}?"
            )
    return UnknownName.among("database", name, _modules() | COMPANIONS.keys())


@cache
def _modules() -> frozenset[str]:
    found = {module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg}
    return frozenset(found - _NOT_DATABASES)
