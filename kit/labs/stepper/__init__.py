"""The transaction stepper: the classic anomalies on live sessions, and what each level prevents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.labs import source as sources
from kit.labs.stepper.anomalies import ANOMALIES, find
from kit.labs.stepper.crash import Crash, crash
from kit.labs.stepper.measure import Findings, Verdict, measure
from kit.labs.stepper.panel import Stepper
from kit.labs.stepper.promises import Promise, Rule, documented
from kit.labs.stepper.scripts import LEVELS, Script, Step, level, parse
from kit.labs.stepper.table import Verdicts

if TYPE_CHECKING:
    from sqlalchemy import URL

    from kit.launch.server import Server

__all__ = [
    "ANOMALIES",
    "LEVELS",
    "Crash",
    "Findings",
    "Promise",
    "Rule",
    "Script",
    "Step",
    "Stepper",
    "Verdict",
    "Verdicts",
    "crash",
    "documented",
    "measure",
    "parse",
    "stepper",
    "verdicts",
]


def stepper(
    server: Server | str | URL,
    script: str | Script = "lost update",
    *,
    isolation: str | None = None,
) -> Stepper:
    """Open a script on live sessions, ready to be stepped through.

    `script` is the name or the code of a ready one, or lines such as `T1 BEGIN` on the table
    `quota` (id, team, hours). `isolation` is what SQL calls it, in any case; None is the server's
    own. Raise UsageError for a script that cannot be read, UnknownName for an unknown name.
    """
    chosen = script if isinstance(script, Script) else _script(script)
    wanted = None if isolation is None else level(isolation)
    return Stepper(sources.read(server), chosen, wanted)


def verdicts(server: Server | str | URL) -> Verdicts:
    """Run every anomaly at every isolation level, and show which happened on this server."""
    return Verdicts(sources.read(server))


def _script(text: str) -> Script:
    if "\n" not in text.strip() and not text.strip().upper().startswith(("T1", "T2", "T3")):
        return find(text)
    return Script(name="your script", steps=parse(text))
