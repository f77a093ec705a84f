"""A server's refusal: what it said, and what may help."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.errors import ServerGone

if TYPE_CHECKING:
    from kit.labs.mongodb.source import Source

_WRAPPED = re.compile(r"^Executor error during .*? :: caused by :: |^PlanExecutor error.*? :: ")
_HINTS = {
    50: "It was stopped because it took too long. Put a `$match` or a `$limit` further up.",
    112: "Another transaction changed the same document first. Run the whole transaction again.",
    121: "A validator watches this collection. `errInfo` names the rule that was broken.",
    11000: "A document with that key is there already.",
    13: "The user that you connect as may not do that.",
    10334: "No document may be larger than 16 MB: keep large files elsewhere, their address here.",
    17280: "No document may be larger than 16 MB: gather less into one.",
    31325: "An expression's name begins with `$`, as in `$add`; a field's stands in quotes: `$n`.",
    168: "An expression's name begins with `$`, as in `$add`; a field's stands in quotes: `$n`.",
}
_BY_WORD = {
    "too large": "No document may be larger than 16 MB: gather less into one.",
    "BSONObj": "No document may be larger than 16 MB: gather less into one.",
    "exactly one field": "A stage has one name, such as `$match`, and one value after it.",
    "must be an array": "`$isArray` tells which documents have an array there.",
    "divide by zero": "Leave such documents out with a `$match` above, or divide inside a `$cond`.",
    "numeric": "`$toDouble` turns text into a number; `$type` tells which documents need it.",
}


@dataclass(frozen=True)
class Refusal:
    """What a server said, and what may help; `lost` where it did not answer at all."""

    message: str
    hint: str = ""
    lost: bool = False


def refused(error: Exception, source: Source, *, known: tuple[str, ...] = ()) -> Refusal:
    """Read a driver's error; `known` are the names among which a mistyped one is looked for."""
    from pymongo.errors import ConnectionFailure, InvalidOperation

    if isinstance(error, ServerGone):
        return Refusal(str(error), lost=True)
    if isinstance(error, ConnectionFailure | InvalidOperation):
        # The driver goes on with its settings and a dump of the topology.
        first = str(error).split(" (configured timeouts", 1)[0].split(", Timeout:", 1)[0]
        return Refusal(first, source.remedy, lost=True)
    details: Any = getattr(error, "details", None) or {}
    said = str(details.get("errmsg") or error)
    code = details.get("code") or getattr(error, "code", None)
    return Refusal(_WRAPPED.sub("", said), _hint(code, said, known))


def _hint(code: Any, said: str, known: tuple[str, ...]) -> str:
    if code == 40324 or "Unrecognized pipeline stage" in said:
        named = re.findall(r"\$\w+", said)
        near = difflib.get_close_matches(named[0], known, n=1) if named else []
        return f"Did you mean `{near[0]}`?" if near else "No stage of that name is known here."
    if isinstance(code, int) and code in _HINTS:
        return _HINTS[code]
    return next((hint for word, hint in _BY_WORD.items() if word in said), "")
