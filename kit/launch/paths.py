"""Where running servers and template caches live on this machine."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from kit.errors import NoSpace

# A running supervisor of another protocol must not be talked to.
PROTOCOL = 1
_SOCKET_LIMIT = 103


def home() -> Path:
    """Return the directory of running servers: KIT_HOME, or one per user in the system's temp."""
    chosen = os.environ.get("KIT_HOME")
    if chosen:
        return Path(chosen).absolute()
    return Path(tempfile.gettempdir(), f"mlops-kit-{os.getuid()}-{PROTOCOL}")


def ensure_home() -> Path:
    """Create the directory of running servers and make sure that it is this user's own."""
    where = home()
    _create(where)
    owner = where.lstat()
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid != os.getuid() or owner.st_mode & 0o022:
        raise NoSpace(
            f"{where} belongs to another user or can be written by others, so the kit does not "
            "trust it. Remove it, or name a directory of your own: export KIT_HOME=~/.kit"
        )
    if len(os.fsencode(socket_path(where))) > _SOCKET_LIMIT:
        raise NoSpace(
            f"The path {where} is too long for a Unix socket. "
            "Name a shorter one: export KIT_HOME=/tmp/kit"
        )
    return where


def socket_path(where: Path) -> Path:
    """Return the supervisor's socket below the directory of running servers."""
    return where / "supervisor.sock"


def cache() -> Path:
    """Return the directory of initialised templates: KIT_CACHE, or the user's cache directory."""
    chosen = os.environ.get("KIT_CACHE")
    if chosen:
        return Path(chosen).absolute()
    if os.getuid() == 0:
        # Servers that refuse root must reach it, and root's own directory is closed to them.
        return Path("/var/cache/mlops-database-kit")
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlops-database-kit"))


def _create(where: Path) -> None:
    try:
        where.mkdir(mode=0o711, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        raise unwritable(where, error) from None


def unwritable(where: Path, error: OSError, *, variable: str = "KIT_HOME") -> NoSpace:
    """Describe a directory that could not be written, and the variable that names another."""
    return NoSpace(
        f"{where} cannot be written: {error.strerror}. "
        f"Free some space, or name another directory: export {variable}=/path/with/space"
    )
