"""One session of commands, each answered as redis-cli would answer it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError

from kit.errors import Unsupported
from kit.labs.redis import harmful, manual
from kit.labs.redis.reply import Parser, Status, formatted, split
from kit.labs.redis.source import Source

_STREAMS = {b"subscribe", b"psubscribe", b"ssubscribe", b"monitor"}
_BACKWARD = {
    b"hello": "This line speaks protocol 2, as redis-cli does unless it is started with -3."
}
_READING = "Reading messages... (press Cancel to quit)"
_STEP = 0.1  # seconds between two looks at whether the learner wants to stop

# Commands whose answer is a page of text (src/redis-cli.c, cliSendCommand).
_PAGES = {
    (b"info",),
    (b"lolwut",),
    (b"client", b"list"),
    (b"client", b"info"),
    (b"cluster", b"info"),
    (b"cluster", b"nodes"),
    (b"latency", b"doctor"),
    (b"latency", b"graph"),
    (b"memory", b"doctor"),
    (b"memory", b"malloc-stats"),
}

Say = Callable[[str], None]


class Cancelled(Exception):
    """The learner stopped waiting; the connection was given up."""


class Line:
    """A connection that keeps its own database, transaction and quirks, like a terminal's."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.database = source.database
        self.transaction = False
        self._connection: Any = None
        self._stop = threading.Event()
        self._used = False

    @property
    def prompt(self) -> str:
        """Return what redis-cli would show before the cursor."""
        if self._connection is None:
            return "not connected> "
        place = f"[{self.database}]" if self.database else ""
        return f"{self.source.address}{place}{'(TX)' if self.transaction else ''}> "

    def connect(self) -> None:
        """Open the connection if there is none; raise the driver's own error where that fails."""
        if self._connection is None:
            pool = self.source.open(protocol=2, socket_timeout=None).connection_pool
            options = pool.connection_kwargs | {"parser_class": Parser, "db": self.database}
            made = pool.connection_class(**options)
            made.connect()
            self._connection, self.transaction = made, False

    def run(self, text: str, say: Say) -> bool:
        """Run one line and `say` each piece of the answer; return False after a refusal.

        Raise Cancelled when `cancel` was called meanwhile.
        """
        try:
            arguments = split(text)
        except ValueError as error:
            say(str(error))
            return False
        if not arguments:
            return True
        times = int(arguments.pop(0)) if len(arguments) > 1 and arguments[0].isdigit() else 1
        self._stop.clear()
        answers = [self._once(arguments, say) for _ in range(times)]
        return all(answers)

    def cancel(self) -> None:
        """Stop waiting for an answer."""
        self._stop.set()

    def close(self) -> None:
        """End the session."""
        self._stop.set()
        if self._connection is not None:
            self._connection.disconnect()
        self._connection, self.transaction, self._used = None, False, False

    def _once(self, arguments: list[bytes], say: Say) -> bool:
        head = arguments[0].lower()
        if head in _BACKWARD:
            say(_BACKWARD[head])
            return False
        try:
            if does := harmful.harm(arguments):
                self.source.require_own(does)
            self.connect()
            if head in (b"help", b"?"):
                say(manual.page(self._ask, arguments[1:]))
                return True
            reply = self._sent(arguments)
            if head in _STREAMS and not isinstance(reply, RedisError):
                say(_READING)
                self._read_on(reply, say)
        except Unsupported as error:
            say(str(error))
            return False
        except (ConnectionError, TimeoutError, OSError) as error:
            self.close()
            say(f"Could not connect to Redis at {self.source.address}: {error}")
            return False
        say(_page(reply) if _is_page(arguments, reply) else formatted(reply))
        self._follow(arguments, reply)
        return not isinstance(reply, RedisError)

    def _sent(self, arguments: list[bytes]) -> Any:
        """Send a command; where a connection from before was lost, try once on a new one."""
        try:
            return self._ask(*arguments)
        except (ConnectionError, OSError):
            if not self._used or self.transaction:
                raise
            self.close()
            self._stop.clear()
            self.connect()
            return self._ask(*arguments)
        finally:
            self._used = self._connection is not None

    def _ask(self, *arguments: bytes) -> Any:
        self._connection.send_command(*arguments)
        return self._receive()

    def _receive(self) -> Any:
        while not self._connection.can_read(_STEP):
            if self._stop.is_set():
                # An answer may still be on its way: this connection is of no more use.
                self.close()
                raise Cancelled
        try:
            return self._connection.read_response()
        except ResponseError as refused:
            return refused

    def _read_on(self, reply: object, say: Say) -> None:
        while True:
            say(formatted(reply))
            reply = self._receive()

    def _follow(self, arguments: list[bytes], reply: object) -> None:
        """Take note of what changes the prompt."""
        head = arguments[0].lower()
        if isinstance(reply, Status) and head == b"select":
            self.database = int(arguments[1])
        if isinstance(reply, Status) and head == b"multi":
            self.transaction = True
        elif head in (b"exec", b"discard"):
            self.transaction = False


def _is_page(arguments: list[bytes], reply: object) -> bool:
    words = tuple(word.lower() for word in arguments[:2])
    return isinstance(reply, bytes) and (words in _PAGES or words[:1] in _PAGES)


def _page(reply: bytes) -> str:
    return reply.decode(errors="replace").replace("\r\n", "\n").rstrip("\n")
