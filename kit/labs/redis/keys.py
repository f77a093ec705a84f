"""Keys as they are found: a page at a time, so that the server is never kept from its work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kit.labs.redis.reply import readable, spelled
from kit.labs.redis.source import Client
from kit.widgets import units
from kit.widgets.table import Grid
from kit.widgets.values import Shown

PAGE = 20
STEP = 500
"""Keys that one SCAN looks at; a server is busy with so many for well under a millisecond."""

LOOKS = 40
"""SCANs after which a page is shown although it is not full: a rare pattern may match nothing."""

FACTS = ("TYPE", "PTTL", "MEMORY USAGE", "OBJECT ENCODING")


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key; `ttl` is in seconds, None for a key that stays, `memory` in bytes."""

    name: bytes
    kind: str
    ttl: float | None
    memory: int | None
    encoding: str

    @property
    def id(self) -> str:
        """Return the name in a form that any page can hold."""
        return self.name.hex()


class Scan:
    """A walk over the keyspace by SCAN, taken up again where it stopped."""

    def __init__(self, client: Client, match: str = "*", kind: str = "") -> None:
        self.client = client
        self.match = match or "*"
        self.kind = kind
        self.cursor = 0
        self.looked = 0
        self.over = False
        self.ran: list[str] = []
        self._waiting: list[bytes] = []
        self._seen: set[bytes] = set()

    def page(self, most: int = PAGE) -> list[Key]:
        """Return the next `most` keys; fewer, perhaps none, after LOOKS steps or at the end."""
        self.ran = []
        for _ in range(LOOKS):
            if self.over or len(self._waiting) >= most:
                break
            self._step()
        names, self._waiting = sorted(self._waiting[:most]), self._waiting[most:]
        return inspect(self.client, names)

    @property
    def finished(self) -> bool:
        """Tell whether there is nothing more to show."""
        return self.over and not self._waiting

    def _step(self) -> None:
        asked: list[Any] = [self.cursor, "MATCH", self.match, "COUNT", STEP]
        asked += ["TYPE", self.kind] if self.kind else []
        cursor, names = self.client.execute_command("SCAN", *asked)
        self.ran.append(spelled(["SCAN", *asked]))
        # A key may come twice, when the server resizes its table meanwhile.
        fresh = [name for name in dict.fromkeys(names) if name not in self._seen]
        self._seen.update(fresh)
        self._waiting += fresh
        self.cursor, self.over, self.looked = int(cursor), int(cursor) == 0, self.looked + STEP


def inspect(client: Client, names: Sequence[bytes]) -> list[Key]:
    """Ask for the facts of some keys in one round trip; keys that are gone are left out."""
    pipeline = client.pipeline(transaction=False)
    for name in names:
        for fact in FACTS:
            pipeline.execute_command(*fact.split(), name)
    replies = pipeline.execute(raise_on_error=False)
    found = [_key(name, replies[4 * i : 4 * i + 4]) for i, name in enumerate(names)]
    return [key for key in found if key.kind != "none"]


def grid(keys: Sequence[Key], note: str = "") -> Grid:
    """Lay keys out as a table; what is left of their time stays out of a saved notebook."""
    return Grid(
        columns=("key", "type", "expires in", "memory", "encoding"),
        rows=[
            (readable(key.name), key.kind, _left(key.ttl), _memory(key.memory), key.encoding)
            for key in keys
        ],
        keys=[key.id for key in keys],
        note=note,
        volatile=frozenset({"expires in"}),
    )


def written(key: Key) -> list[str]:
    """Write the commands that ask for what is known of one key."""
    return [f"{fact} {spelled([key.name])}" for fact in FACTS]


def _key(name: bytes, facts: Sequence[Any]) -> Key:
    kind, left, memory, encoding = (None if isinstance(f, Exception) else f for f in facts)
    return Key(
        name=name,
        kind=_text(kind) or "none",
        ttl=left / 1000 if isinstance(left, int) and left >= 0 else None,
        memory=memory,
        encoding=_text(encoding),
    )


def _left(seconds: float | None) -> object:
    if seconds is None:
        return Shown("stays", "no time to live", "∞")
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    text = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
    return Shown(text, f"{seconds:.3f} s")


def _memory(size: int | None) -> object:
    return Shown("unknown", "") if size is None else Shown(units.size(size), size)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
