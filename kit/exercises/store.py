"""Which exercises were solved on this machine: one small file, safe from two kernels at once."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_dir

LOCK_TIMEOUT = 5.0  # seconds; whoever holds the lock needs milliseconds


@dataclass(frozen=True)
class Tries:
    """Count what became of one exercise so far."""

    solved: bool = False
    wrong: int = 0


def location() -> Path:
    """Return the progress file: `KIT_PROGRESS_FILE`, else the user's data directory."""
    given = os.environ.get("KIT_PROGRESS_FILE")
    if given:
        return Path(given).expanduser()
    return Path(user_data_dir("mlops-database-kit", appauthor=False)) / "progress.json"


class ProgressFile:
    """Read and write the progress file; both raise `OSError` where the disk says no.

    A file that cannot be understood is set aside, never overwritten, and `notes` says so.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or location()
        self.notes: list[str] = []

    def read(self) -> dict[str, Tries]:
        """Return the tries of every exercise that was ever checked."""
        try:
            return _parsed(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            with self._locked():
                return self._mended()

    def record(self, exercise_id: str, *, right: bool) -> Tries:
        """Write down one try and return what became of the exercise; solved stays solved."""
        with self._locked():
            everything = self._mended()
            before = everything.get(exercise_id, Tries())
            after = Tries(solved=before.solved or right, wrong=before.wrong + (not right))
            everything[exercise_id] = after
            self._write(everything)
        return after

    def _mended(self) -> dict[str, Tries]:
        """Read the file again under the lock, and set it aside if it is still broken."""
        try:
            return _parsed(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            aside = _free(self.path.with_name(f"{self.path.name}.broken"))
            self.path.rename(aside)
            self.notes.append(
                f"The progress file could not be read and starts anew; the old one is {aside}."
            )
            return {}

    def _write(self, everything: dict[str, Tries]) -> None:
        content = {
            name: {"solved": tries.solved, "wrong": tries.wrong}
            for name, tries in sorted(everything.items())
        }
        handle, draft = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(self.path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
            end = time.monotonic() + LOCK_TIMEOUT
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.01)
            yield


def _parsed(text: str) -> dict[str, Tries]:
    """Read the file's text; `ValueError` where it is not what `_write` writes."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("the progress file holds no exercises")
    return {str(name): _tries(entry) for name, entry in content.items()}


def _tries(entry: object) -> Tries:
    match entry:
        case {"solved": bool(solved), "wrong": int(wrong)}:
            return Tries(solved=solved, wrong=wrong)
    raise ValueError("the progress file holds something else than tries")


def _free(path: Path) -> Path:
    """Return the path, or the next numbered one that nothing stands at."""
    number, candidate = 2, path
    while candidate.exists():
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate
