"""A data directory in one file, which file systems write far sooner than a thousand; its seal."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from kit.launch.account import Account

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


def seal(data: Path, manifest: Path) -> None:
    """Note how many files, and bytes, a data directory has."""
    manifest.write_text(json.dumps(_measure(data)))


def sound(manifest: Path, data: Path, who: Account | None) -> bool:
    """Tell whether `data` is whole and the server's own, not broken or another user's."""
    try:
        sealed = json.loads(manifest.read_text())
        owner = data.stat().st_uid
    except (OSError, ValueError):
        return False
    return bool(owner == (who.uid if who else os.getuid()) and sealed == _measure(data))


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


def _tar(what: str, archive: Path, folder: Path, *members: str) -> None:
    command = ["tar", "--numeric-owner", what, str(archive), "-C", str(folder), *members]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(0, said[0] if said else f"tar ended with {done.returncode}")
