"""Two sessions and an onlooker: scripts of transactions, one call at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo.errors import ConnectionFailure, InvalidOperation, PyMongoError

from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Source
from kit.widgets.stepper import Entry

if TYPE_CHECKING:
    pass

SCRATCH = "kit_stages"
NAMES = ("T1", "T2", "others")
_START = [{"_id": "knn", "stage": "champion"}, {"_id": "forest", "stage": "candidate"}]


@dataclass(frozen=True)
class Step:
    """One call: whose it is, what it does, and to which model."""

    who: str
    verb: str
    model: str = ""
    stage: str = ""

    @property
    def code(self) -> str:
        """Return the call as Python."""
        own = "" if self.who == "others" else f", session={self.who.lower()}"
        if self.verb == "read":
            return f'models.find_one({{"_id": "{self.model}"}}{own})'
        if self.verb == "set":
            change = f'{{"$set": {{"stage": "{self.stage}"}}}}'
            return f'models.update_one({{"_id": "{self.model}"}}, {change}{own})'
        return f"{self.who.lower()}.{self.verb}_transaction()"


@dataclass(frozen=True)
class Script:
    """Calls in their order, with what they are about."""

    name: str
    story: str
    steps: Sequence[Step]


def _steps(text: str) -> list[Step]:
    return [Step(*line.split()) for line in text.strip().splitlines()]


_CHANGE = """
    T1 start
    T1 set knn retired
    T1 set forest champion
    others read knn
    others read forest
    T1 {end}
    others read knn
    others read forest"""

SCRIPTS = {
    one.name: one
    for one in (
        Script(
            "commit",
            "T1 makes forest the champion in place of knn. The others look in between, and after.",
            _steps(_CHANGE.format(end="commit")),
        ),
        Script(
            "abort",
            "T1 begins the same change and thinks better of it.",
            _steps(_CHANGE.format(end="abort")),
        ),
        Script(
            "write conflict",
            "T1 and T2 both want to decide what becomes of knn.",
            _steps("""
                T1 start
                T2 start
                T1 set knn retired
                T2 set knn candidate
                T2 abort
                T1 commit
                T2 start
                T2 set knn candidate
                T2 commit
                others read knn"""),
        ),
        Script(
            "snapshot",
            "T1 reads knn twice. In between, the others change it.",
            _steps("""
                T1 start
                T1 read knn
                others set knn retired
                T1 read knn
                T1 commit
                others read knn"""),
        ),
    )
}


class Play:
    """A script in progress: two sessions on two clients, and a third client that looks on."""

    def __init__(self, source: Source, script: Script) -> None:
        self.script = script
        self.entries: list[Entry] = []
        self._source = source
        self._clients = {name: source.client(retryWrites=False) for name in NAMES}
        self._sessions = {name: self._clients[name].start_session() for name in NAMES[:2]}
        models = self._models("others")
        models.drop()
        models.insert_many([dict(one) for one in _START])

    @property
    def over(self) -> bool:
        """Tell whether every call was made."""
        return len(self.entries) == len(self.script.steps)

    def step(self) -> Entry:
        """Make the next call, and return what came of it; raise where nothing answers."""
        step = self.script.steps[len(self.entries)]
        lane = NAMES.index(step.who)
        try:
            entry = Entry(lane=lane, code=step.code, said=self._do(step), state="done")
        except ConnectionFailure:
            raise
        except (PyMongoError, InvalidOperation) as error:
            why = refused(error, self._source)
            said = f"{why.message} {why.hint}".strip().replace("`", "")
            entry = Entry(lane=lane, code=step.code, said=said, state="refused")
        self.entries.append(entry)
        return entry

    def open(self, who: str) -> bool:
        """Tell whether a session has a transaction under way."""
        return who in self._sessions and bool(self._sessions[who].in_transaction)

    def close(self) -> None:
        """Abort what is under way, and hang up."""
        for session in self._sessions.values():
            session.end_session()
        for client in self._clients.values():
            client.close()

    def _models(self, who: str) -> Any:
        return self._clients[who][self._source.catalog][SCRATCH]

    def _do(self, step: Step) -> str:
        session = self._sessions.get(step.who)
        if step.verb == "read":
            found = self._models(step.who).find_one({"_id": step.model}, session=session)
            return f"{found['_id']} is {found['stage']}" if found else "nothing"
        if step.verb == "set":
            change = {"$set": {"stage": step.stage}}
            done = self._models(step.who).update_one({"_id": step.model}, change, session=session)
            return f"{done.modified_count} changed"
        if session is not None:
            getattr(session, f"{step.verb}_transaction")()
        return {"start": "begun", "commit": "committed", "abort": "aborted"}[step.verb]
