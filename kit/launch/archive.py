"""A data directory in one file, for file systems write one file far sooner than a thousand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NAME = "data.tar"


def pack(folder: Path, archive: Path) -> None:
    """Write what `folder` holds into `archive`; raise OSError with what tar said."""
    _tar("-cf", archive, folder, ".")


def unpack(archive: Path, folder: Path) -> None:
    """Create `folder` as it was packed, owners included.

    Raise OSError with what tar said, or where the archive is another user's: it may hold anything.
    """
    if archive.stat().st_uid != os.getuid():
        raise PermissionError(f"{archive} belongs to another user")
    folder.mkdir(mode=0o700)
    _tar("-xpf", archive, folder)


def _tar(what: str, archive: Path, folder: Path, *members: str) -> None:
    command = ["tar", "--numeric-owner", what, str(archive), "-C", str(folder), *members]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(0, said[0] if said else f"tar ended with {done.returncode}")
