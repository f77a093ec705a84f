"""Data directories that were initialised once and are copied for each new server."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kit.databases.base import Database, Program, Site
from kit.errors import StartError
from kit.launch import account, paths, ports, spare
from kit.launch.account import Account
from kit.launch.request import Progress

_MANIFEST = "manifest.json"


def provide(
    database: Database, program: Program, data: Path, who: Account | None, progress: Progress
) -> None:
    """Put an initialised data directory at `data`, building its template if there is none."""
    template = _ensure_cache() / _key(database, program)
    if _take_spare(template, data, who):
        return
    with _locked(template.with_name(f"{template.name}.lock")):
        if not _sound(template, template / "data", who):
            progress(f"Creating {program.product}'s files, once on this machine")
            _build(database, program, template, who)
    _copy(template / "data", data)


def spare_command(database: Database, program: Program) -> list[str]:
    """Return the command that readies the next server's data directory."""
    return spare.command(paths.cache() / _key(database, program))


def _take_spare(template: Path, data: Path, who: Account | None) -> bool:
    if not spare.take(template, data):
        return False
    if _sound(template, data, who):
        return True
    shutil.rmtree(data, ignore_errors=True)
    return False


def _key(database: Database, program: Program) -> str:
    source = Path(str(sys.modules[type(database).__module__].__file__)).read_bytes()
    recipe = hashlib.sha256(source + str(program.path).encode()).hexdigest()[:10]
    return f"{database.name}-{program.product.lower()}-{program.version}-{recipe}"


def _ensure_cache() -> Path:
    home = paths.cache()
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise paths.unwritable(home, error, variable="KIT_CACHE") from None
    return home


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        with open(path, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        raise paths.unwritable(path.parent, error, variable="KIT_CACHE") from None


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
    for folder, _, names in os.walk(data):
        files += len(names)
        bytes_ += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
    return {"files": files, "bytes": bytes_}


def _build(database: Database, program: Program, template: Path, who: Account | None) -> None:
    shutil.rmtree(template, ignore_errors=True)
    spare.forget(template)
    # The lock is ours, so what lies here under this name was left by a build that was killed.
    building = template.with_name(f"{template.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o711)
    site = Site(directory=building, port=ports.choose(0), password="")
    site.data.mkdir(mode=0o700)
    account.give(site.data, who)
    try:
        run = Run(database, building, who)
        database.initialise(program, site, run)
        (building / _MANIFEST).write_text(json.dumps(_measure(site.data)))
        building.rename(template)
    finally:
        shutil.rmtree(building, ignore_errors=True)


@dataclass(frozen=True)
class Run:
    """Run a command to its end under the server's own account."""

    database: Database
    directory: Path
    who: Account | None

    def __call__(self, argv: Sequence[str | Path], *, stdin: str = "") -> None:
        """Run `argv`; raise StartError with what it said last if it fails."""
        log = self.directory / "setup.log"
        with open(log, "ab") as output:
            code = _wait(self._start(argv, output), stdin)
        if code:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            raise StartError(
                f"{self.database.title} could not create its files (exit code {code}). "
                f"What it said last:\n{tail}\nCheck the disk and the installation: kit doctor"
            )

    def _start(self, argv: Sequence[str | Path], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(part) for part in argv],
            cwd=self.directory,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.directory)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=self.who.uid if self.who else None,
            group=self.who.gid if self.who else None,
            extra_groups=[] if self.who else None,
        )


def _wait(process: subprocess.Popen[bytes], stdin: str) -> int:
    try:
        process.communicate(stdin.encode())
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode


def _copy(template: Path, data: Path) -> None:
    try:
        subprocess.run(["cp", "-a", str(template), str(data)], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise paths.unwritable(
            data.parent, OSError(0, reason[0] if reason else "copy failed")
        ) from None
