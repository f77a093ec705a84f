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
from pathlib import Path

from kit.databases.base import Database, Program, Site
from kit.errors import StartError
from kit.launch import account, paths, ports
from kit.launch.account import Account

_MANIFEST = "manifest.json"


def provide(database: Database, program: Program, data: Path, who: Account | None) -> bool:
    """Put an initialised data directory at `data`; return whether a template had to be built."""
    home = _ensure_cache()
    key = _key(database, program)
    with _locked(home / f"{key}.lock"):
        built = not _sound(home / key, who)
        if built:
            _build(database, program, home, key, who)
    _copy(home / key / "data", data)
    return built


def is_ready(database: Database, program: Program) -> bool:
    """Tell whether a template for `program` is in the cache."""
    who = account.for_database(database)
    return _sound(paths.cache() / _key(database, program), who)


def forget(database: Database, program: Program) -> None:
    """Remove the template, so that the next start builds it anew."""
    shutil.rmtree(paths.cache() / _key(database, program), ignore_errors=True)


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


def _sound(template: Path, who: Account | None) -> bool:
    """Tell whether a template is whole and our own; a broken or foreign one is built anew."""
    try:
        manifest = json.loads((template / _MANIFEST).read_text())
        owner = (template / "data").stat().st_uid
    except (OSError, ValueError):
        return False
    expected = who.uid if who else os.getuid()
    return owner == expected and manifest == _measure(template / "data")


def _measure(data: Path) -> dict[str, int]:
    files = bytes_ = 0
    for folder, _, names in os.walk(data):
        files += len(names)
        bytes_ += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
    return {"files": files, "bytes": bytes_}


def _build(database: Database, program: Program, home: Path, key: str, who: Account | None) -> None:
    shutil.rmtree(home / key, ignore_errors=True)
    # The lock is ours, so what lies here under this name was left by a build that was killed.
    building = home / f"building-{key}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o711)
    site = Site(directory=building, port=ports.choose(0), password="")
    site.data.mkdir(mode=0o700)
    account.give(site.data, who)
    try:
        database.initialise(program, site, lambda argv: _run(database, argv, building, who))
        (building / _MANIFEST).write_text(json.dumps(_measure(site.data)))
        building.rename(home / key)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _run(
    database: Database, argv: Sequence[str | Path], directory: Path, who: Account | None
) -> None:
    drop = {"user": who.uid, "group": who.gid, "extra_groups": []} if who else {}
    log = directory / "setup.log"
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [str(part) for part in argv],
            cwd=directory,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "LANG": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **drop,  # type: ignore[call-overload]
        )
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        raise StartError(
            f"{database.title} could not create its files (exit code {code}). "
            f"What it said last:\n{tail}\nCheck the disk and the installation: kit doctor"
        )


def _copy(template: Path, data: Path) -> None:
    try:
        subprocess.run(["cp", "-a", str(template), str(data)], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise paths.unwritable(
            data.parent, OSError(0, reason[0] if reason else "copy failed")
        ) from None
