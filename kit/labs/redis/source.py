"""The Redis that a lab is pointed at, and what its refusals mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kit import databases
from kit.errors import KitError, UsageError
from kit.labs.remedy import GONE

if TYPE_CHECKING:
    from kit.launch.server import Server

Client = Any
"""A `redis.Redis`; its types promise less than it does."""

_AWAY = "Nothing answers there. Make sure that the server runs and that the address is right."
_FULL = (
    "The memory is full and the policy lets nothing go. Raise `maxmemory`, delete keys, or choose "
    "a policy that evicts: `CONFIG SET maxmemory-policy allkeys-lru`."
)

# The first word of an error, or the words after a plain ERR, each as the server writes them.
_HINTS = {
    "WRONGTYPE": "The key holds another structure. `TYPE key` names it; each has its own commands.",
    "OOM": _FULL,
    "NOAUTH": "The server wants a password first: `AUTH password`.",
    "WRONGPASS": "User or password is wrong. The handle knows the right one.",
    "NOPERM": "This user may not do that: connect as another, or ask for the right by ACL SETUSER.",
    "READONLY": "This is a replica, it only reads. Write to its primary.",
    "MISCONF": "Redis cannot save to disk and so refuses writes: look at its log for the reason.",
    "LOADING": "The server reads its data from the disk and answers in a moment.",
    "MOVED": "The slot lives on another node: a cluster client goes there by itself.",
    "CROSSSLOT": "Keys of one command must share a slot: give them one {tag} in their names.",
    "CLUSTERDOWN": "Slots are without a node, so the whole cluster refuses.",
    "EXECABORT": "A command of the transaction was refused before, so none of them ran.",
    "NOSCRIPT": "The server forgot its scripts when it restarted: send the text, by EVAL.",
    "BUSY": "A script runs for too long. `SCRIPT KILL` ends it if it has not written anything.",
    "unknown command": "A letter may be wrong. `help @string`, `help @hash` … list commands.",
    "wrong number of arguments": "`help` and the command's name say what it takes.",
    "value is not an integer": "This command counts in whole numbers; the value is none.",
    "syntax error": "An option is misspelt or out of place: `help` and the command's name.",
    "invalid expire time": "A time to live is a whole number above zero.",
}


@dataclass(frozen=True)
class Source:
    """A Redis, and how a panel presents it."""

    given: Any = field(repr=False)
    title: str
    accent: str

    def open(self, **options: Any) -> Client:
        """Open a client of its own; keys and values come as bytes unless asked for otherwise."""
        kind = databases.get("redis")
        # Under protocol 3 the shape of some replies depends on the driver's version.
        client: Client = kind.connect(self._endpoint, **{"protocol": 2, **options})
        return client

    def require_own(self, does: str) -> None:
        """Raise Unsupported where the handle is that of a server which others may be using."""
        if hasattr(self.given, "require_own"):
            self.given.require_own(does)

    @property
    def database(self) -> int:
        """Return the number of the database that clients open."""
        return int(self._endpoint.catalog or 0)

    def channel(self, name: str) -> str:
        """Return a channel for one learner alone: those of a server belong to all its databases."""
        return f"{name}:{self.database}" if getattr(self.given, "shared", False) else name

    @property
    def address(self) -> str:
        """Return host and port in one."""
        return f"{self._endpoint.host}:{self._endpoint.port}"

    @property
    def remedy(self) -> str:
        """Say what to do when nothing answers."""
        return GONE if hasattr(self.given, "restart") else _AWAY

    def refused(self, error: Exception) -> tuple[str, str]:
        """Return what went wrong, in the server's own words without the password, and a hint."""
        from redis.exceptions import ConnectionError, TimeoutError

        if isinstance(error, KitError):
            return str(error), ""
        message = self.safe(str(getattr(error, "raw", error)))
        if isinstance(error, (ConnectionError, TimeoutError, OSError)) and not hint(message):
            return message, self.remedy
        return message, hint(message)

    def safe(self, text: str) -> str:
        """Strike the password out of a message."""
        secret = self._endpoint.password
        return text.replace(secret, "***") if secret else text

    @property
    def _endpoint(self) -> Any:
        if hasattr(self.given, "endpoint"):
            return self.given.endpoint
        return databases.get("redis").parse(str(self.given))


def read(given: Server | str) -> Source:
    """Take a Redis server's handle or a redis:// URL; raise UsageError for anything else."""
    kind = databases.get("redis")
    database = getattr(given, "database", None)
    if database not in ("redis", None) or (database is None and not isinstance(given, str)):
        what = f"{database} server" if database else type(given).__name__
        raise UsageError(
            f'This lab wants a Redis, as in kit.start("redis"), and was given a {what}.'
        )
    if database is None:
        kind.parse(str(given))
    product, name = getattr(given, "product", kind.title), getattr(given, "name", "")
    return Source(given, f"{product} · {name}" if name else product, kind.accent)


@dataclass(frozen=True)
class Several(Source):
    """Servers of a panel's own, or those of a topology, which share one password."""

    def open(self, **options: Any) -> Client:
        """Refuse: which of them is meant must be said."""
        raise UsageError("These are several servers: open a client of one of them.")

    @property
    def remedy(self) -> str:
        """Say what to do when nothing answers."""
        return "Not enough of the servers answer. Bring back the lost one: its restart()."

    def safe(self, text: str) -> str:
        """Strike the password out of a message."""
        for server in self.given:
            text = text.replace(server.password, "***") if server.password else text
        return text


def several(title: str, servers: Any = ()) -> Several:
    """Present servers that are used together."""
    return Several(servers, title, databases.get("redis").accent)


def together(topology: Any, *kinds: str) -> Any:
    """Return a topology of Redis servers of one of these kinds; raise UsageError for another."""
    kind = getattr(topology, "kind", None)
    if getattr(topology, "database", None) == "redis" and kind in kinds:
        return topology
    calls = " or ".join(f'kit.topology("redis", "{one}")' for one in kinds)
    raise UsageError(f"This lab wants several servers that work together: give it {calls}.")


def hint(message: str) -> str:
    """Return what to do about an error of the server's; empty where its words say enough."""
    for words, advice in _HINTS.items():
        if message.startswith(f"{words} ") or (words[0].islower() and words in message[:60]):
            return advice
    return ""
