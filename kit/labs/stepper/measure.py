"""Running every anomaly at every isolation level, to see which really happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kit.errors import SQLError
from kit.labs.source import Source
from kit.labs.stepper.anomalies import ANOMALIES
from kit.labs.stepper.play import Play
from kit.labs.stepper.promises import Rule, rules
from kit.labs.stepper.scripts import LEVELS, Script
from kit.labs.stepper.stage import Stage


@dataclass(frozen=True)
class Verdict:
    """Whether an anomaly happened at a level, and how it was kept from happening if not."""

    script: Script
    level: str
    happened: bool
    how: str


@dataclass(frozen=True)
class Findings:
    """The verdicts on a server, and what its manual promises."""

    product: str
    version: str
    verdicts: Sequence[Verdict]
    rules: Sequence[Rule]

    @property
    def release(self) -> str:
        """Return the part of the version by which manuals are numbered."""
        parts = self.version.split(".")
        return parts[0] if self.product == "PostgreSQL" else ".".join(parts[:2])

    def promised(self, verdict: Verdict) -> bool:
        """Tell whether the manual promises that this cannot happen."""
        return any(
            verdict.script.code in rule.codes and verdict.level in rule.levels
            for rule in self.rules
        )

    @property
    def surprises(self) -> list[Verdict]:
        """Return what is not as the manual has it."""
        return [one for one in self.verdicts if one.happened == self.promised(one)]


def measure(
    source: Source,
    *,
    scripts: Sequence[Script] = ANOMALIES,
    levels: Sequence[str] = LEVELS,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Findings:
    """Play every script at every level.

    Raise SQLAlchemyError if the server goes away, SQLError if a script is kept from its end.
    """
    names = sorted({name for script in scripts for name in script.sessions})
    stage = Stage(source, names)
    found: list[Verdict] = []
    try:
        product, version = stage.observer.identity()
        for script in scripts:
            for level in levels:
                progress(len(found), len(scripts) * len(levels))
                found.append(_judge(Play(stage, script, level)))
        known = rules(product, version, snapshot_isolation=stage.observer.conflicts())
    finally:
        stage.close()
    return Findings(product, version, found, known)


def _judge(play: Play) -> Verdict:
    play.run()
    if play.lost is not None:
        raise play.lost
    if play.coming:
        raise SQLError(
            f"{play.script.title} at {play.level.lower()} did not come to its end: "
            f"{' and '.join(sorted(play.busy))} never got past a lock that another session holds. "
            "Look who else is at work on this server, and run the verdicts again."
        )
    return Verdict(play.script, play.level, bool(play.happened), play.how)
