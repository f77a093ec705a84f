"""One ready copy of a template, made while nobody waits, so that the next start only renames it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from kit.launch import archive

_STALE_AFTER = 600.0


def take(template: Path, data: Path) -> bool:
    """Move the template's spare copy to `data`; return False where there is none within reach."""
    try:
        _spare(template).rename(data)
    except OSError:
        # None was made yet, or the cache is on another disk.
        return False
    return True


def command(template: Path) -> list[str]:
    """Return the command that makes a spare copy, and does nothing where there is one."""
    return [sys.executable, "-m", "kit.launch.spare", str(template)]


def forget(template: Path) -> None:
    """Remove the template's spare copy."""
    shutil.rmtree(_spare(template), ignore_errors=True)


def make(template: Path) -> None:
    """Make the spare copy; of two that do so at once, one wins."""
    if _spare(template).exists():
        return
    _remove_stale(template)
    part = template.with_name(f"{template.name}.part-{os.getpid()}")
    try:
        archive.unpack(template / archive.NAME, part)
        with suppress(OSError):
            part.rename(_spare(template))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _spare(template: Path) -> Path:
    return template.with_name(f"{template.name}.spare")


def _remove_stale(template: Path) -> None:
    for part in template.parent.glob(f"{template.name}.part-*"):
        if time.time() - part.lstat().st_ctime > _STALE_AFTER:
            shutil.rmtree(part, ignore_errors=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
