"""Ways in which a data directory, or a file, may be spoilt between two starts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def remove_a_file(data: Path) -> None:
    """Remove the first of the files that hold something."""
    _files(data)[0].unlink()


def truncate_a_file(data: Path) -> None:
    """Cut the last of the files that hold something."""
    os.truncate(_files(data)[-1], 1)


def remove_all(data: Path) -> None:
    """Remove the directory."""
    shutil.rmtree(data)


def change_the_owner(path: Path) -> None:
    """Give a file or directory to another user."""
    if os.getuid():
        pytest.skip("only root can give files away")
    os.chown(path, 12345, 12345)


def blank_all(data: Path) -> None:
    """Keep every size and lose every byte, as a file system may when the power goes."""
    for path in _files(data):
        path.write_bytes(bytes(path.stat().st_size))


def _files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if path.is_file() and path.stat().st_size)
