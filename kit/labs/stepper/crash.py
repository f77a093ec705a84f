"""A crash in mid-transaction: what was committed is there afterwards, what was not is not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import NullPool, exc

from kit.errors import UsageError
from kit.labs import source as sources
from kit.labs import statements
from kit.labs.source import Source
from kit.labs.stepper.loss import reason, remedy
from kit.labs.stepper.play import Play
from kit.labs.stepper.scripts import LOOK, Script, parse
from kit.labs.stepper.stage import Stage
from kit.labs.stepper.telling import course, written
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.stepper import Course, Entry, Lane, Lanes

if TYPE_CHECKING:
    from kit.launch.server import Server

LOG_LINES = 12

SCRIPT = Script(
    name="crash",
    story="T1 moves 5 hours from text to vision and commits. T2 adds a team and takes 5 hours "
    "more from text, and has not committed when the server is killed.",
    steps=parse("""
        T1 BEGIN
        T2 BEGIN
        T1 UPDATE quota SET hours = 15 WHERE id = 1
        T1 UPDATE quota SET hours = 15 WHERE id = 2
        T1 COMMIT
        T2 INSERT INTO quota VALUES (3, 'audio', 5)
        T2 UPDATE quota SET hours = 10 WHERE id = 2"""),
)
_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")

COMMITTED = [(1, 15), (2, 15)]


class Crash(Panel):
    """Kill a server in mid-transaction and bring it back; `survived` is what is there then."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.server: Server = source.given
        self.survived: Sequence[tuple[Any, ...]] = ()
        self.lanes = Lanes()
        self.wrote = Code("What the server wrote while it came back", language="text")
        super().__init__(
            "A crash in mid-transaction",
            note=source.title,
            accent=source.accent,
            body=[self.lanes, self.wrote],
            strip=Code("SQL that ran"),
        )
        self.run()

    def run(self) -> None:
        """Play the script, kill the server, start it again and look."""
        require(self.server, self.source)
        try:
            self._run()
        except exc.SQLAlchemyError as error:
            self.fail(self.source.safe(reason(error)), remedy(self.source, error))

    def _run(self) -> None:
        stage = Stage(self.source, SCRIPT.sessions)
        try:
            play = Play(stage, SCRIPT, "READ COMMITTED")
            play.run()
            before, text = course(play), written(play, saved=True)
            self.server.kill()
        finally:
            stage.close()
        self.server.restart()
        self.survived = _look(self.source, stage)
        self.lanes.show(_told(before, self.survived))
        if self.strip is not None:
            self.strip.show(f"{text}\n-- after the restart\n{LOOK};")
        self.wrote.show(self.server.logs(LOG_LINES), saved="")
        self.done("the server is back")


def crash(server: Server) -> Crash:
    """Kill `server` while a transaction is open, bring it back, and show what it kept.

    Everybody's connections to it are cut. Raise UsageError unless it was started with durable=True.
    """
    return Crash(sources.read(server))


def require(server: Any, source: Source) -> None:
    """Raise UsageError unless this is a server of the kit's that writes its log to the disk.

    Raise ServerGone if it is not running, Unsupported if others may be using it.
    """
    if not hasattr(server, "kill"):
        raise UsageError(
            "Only a server that the kit started can be killed. Start one for this: "
            'kit.start("postgresql", name="crash", durable=True)'
        )
    server.require_own("kills the server")
    server.connect().close()
    if not durable(source):
        raise UsageError(
            f"{server.name!r} was not started with durable=True: it does not wait for the disk "
            "when it commits, and a crash proves nothing. Start one that does: "
            f'kit.start("{server.database}", name="crash", durable=True)'
        )


def durable(source: Source) -> bool:
    """Ask a server whether a commit waits until the log is on the disk."""
    engine = source.engine(poolclass=NullPool)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            asked = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in _SETTINGS]
            return "off" not in asked
        setting = "SELECT @@innodb_flush_log_at_trx_commit"
        return connection.exec_driver_sql(setting).scalar() == 1


def _look(source: Source, stage: Stage) -> Sequence[tuple[Any, ...]]:
    """Read what the table holds, and remove the schema."""
    engine = source.engine(poolclass=NullPool)
    with engine.connect() as connection:
        for statement in stage.entrance:
            connection.exec_driver_sql(statement)
        rows = statements.run(connection, LOOK)[-1].rows
        with suppress(exc.SQLAlchemyError):
            for statement in stage.observer.drop(stage.schema):
                connection.exec_driver_sql(statement)
    return [tuple(row) for row in rows]


def _told(before: Course, rows: Sequence[tuple[Any, ...]]) -> Course:
    kept = " · ".join(f"id {key}, hours {hours}" for key, hours in rows)
    events = [
        Entry(lane=None, state="event", said="The server is killed, and started again."),
        Entry(lane=0, state="done", code=LOOK, said=kept),
    ]
    right = list(rows) == COMMITTED
    closing = (
        "T1 was told COMMIT, and its change is there. T2 was not, and nothing of it is there."
        if right
        else "What is there is not what was committed."
    )
    lanes = [Lane(before.lanes[0].name, "✓", "committed"), Lane("T2", "✗", "connection lost")]
    return Course(
        lead=before.lead,
        lanes=lanes,
        entries=[*before.entries, *events],
        waits=False,
        icon="✓" if right else "✗",
        closing=closing,
    )
