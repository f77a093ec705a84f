"""A directory for one test's servers and files, gone when the test is over."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

LINGERS = 10.0  # seconds that the process which keeps servers may still write its log


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """Give an empty directory that servers running under another account can reach."""
    top = Path(tempfile.mkdtemp(prefix="kit-book-"))
    top.chmod(0o711)
    try:
        yield top
    finally:
        end = time.monotonic() + LINGERS
        while top.exists() and time.monotonic() < end:
            shutil.rmtree(top, ignore_errors=True)
            time.sleep(0.01)
