"""Where running servers and template caches live on this machine."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from kit.errors import NoSpace, StartError

# A running supervisor of another protocol must not be talked to.
PROTOCOL = 2
# Below the directory of running servers: theirs, and those of servers whose data are made ready.
SERVERS, AHEAD = "servers", "ahead"
_SOCKET_LIMIT = 103
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
_LONGEST_SOCKET = "servers/12345678/data/.s.PGSQL.65535"


def home() -> Path:
    """Return the directory of running servers: KIT_HOME, or one per user in the system's temp."""
    chosen = os.environ.get("KIT_HOME")
    where = (
        Path(chosen).expanduser()
        if chosen
        else _temporary() / f"mlops-kit-{os.getuid()}-{PROTOCOL}"
    )
    # Processes are found by their working directory, which the system spells without links.
    return where.parent.resolve() / where.name


def ensure_home() -> Path:
    """Create the directory of running servers and make sure that it is this user's own."""
    where = home()
    if len(os.fsencode(where / _LONGEST_SOCKET)) > _SOCKET_LIMIT:
        raise NoSpace(
            f"The path {where} is too long for the Unix sockets below it. "
            "Name a shorter one: export KIT_HOME=/tmp/kit"
        )
    try:
        create(where)
        _check_owner(where)
        with tempfile.TemporaryFile(dir=where):
            pass
    except OSError as error:
        raise unwritable(where, error) from None
    return where


def create(where: Path) -> None:
    """Create a directory that the servers' account can pass through but not list."""
    with suppress(FileExistsError):
        where.mkdir(parents=True)
        # A strict umask would have closed it.
        where.chmod(0o711)


def socket_path(where: Path) -> Path:
    """Return the supervisor's socket below the directory of running servers."""
    return where / "supervisor.sock"


def cache() -> Path:
    """Return the directory of initialised templates: KIT_CACHE, or the user's cache directory."""
    chosen = os.environ.get("KIT_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if os.getuid() == 0:
        # Servers that refuse root must reach it, and root's own directory is closed to them.
        return Path("/var/cache/mlops-database-kit")
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlops-database-kit"))


def unwritable(where: Path, error: OSError, *, variable: str = "KIT_HOME") -> NoSpace:
    """Describe a directory that could not be written, and the variable that names another."""
    return NoSpace(
        f"{where} cannot be written: {error.strerror}. "
        f"Free some space, or name another directory: export {variable}=/path/with/space"
    )


def failure(where: Path, error: OSError) -> StartError:
    """Describe what the system refused while a server was being started below `where`."""
    if error.errno in _UNWRITABLE:
        return unwritable(where, error)
    return StartError(
        f"The server could not be started: {error.strerror or error}. See: kit doctor"
    )


def _check_owner(where: Path) -> None:
    found = where.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise NoSpace(
            f"{where} is a link, belongs to another user or can be written by others, so the kit "
            "does not trust it. Remove it, or name a directory of your own: export KIT_HOME=~/.kit"
        )


def _temporary() -> Path:
    # The directory that macOS gives each user is too deep for a Unix socket.
    return Path("/tmp" if sys.platform == "darwin" else tempfile.gettempdir())  # noqa: S108
