"""How a server finds documents: read from what `explain` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo.errors import ConnectionFailure, PyMongoError

if TYPE_CHECKING:
    from pymongo.collection import Collection

_SCANS = ("COLLSCAN", "CLUSTERED_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN", "EOF")
_BY_ID = ("IDHACK", "EXPRESS_IXSCAN")
_BY_INDEX = ("IXSCAN", "COUNT_SCAN", "DISTINCT_SCAN", "TEXT_MATCH")
_JOINS = ("$lookup", "$graphLookup")


def of_pipeline(collection: Collection[Any], pipeline: Sequence[Mapping[str, Any]]) -> str:
    """Return how an aggregation finds its documents, such as `IXSCAN model_1`; "" if unknown."""
    last = next(iter(pipeline[-1])) if pipeline else ""
    try:
        plan = collection.database.command(
            "explain",
            {"aggregate": collection.name, "pipeline": list(pipeline), "cursor": {}},
            # Which index a join used is known only once it has run.
            verbosity="executionStats" if last in _JOINS else "queryPlanner",
        )
    except ConnectionFailure:
        raise
    except PyMongoError:
        return ""
    return ", ".join(dict.fromkeys(_words(plan)))


def steps(plan: Any) -> list[Mapping[str, Any]]:
    """Return the steps of a winning plan, from the one that answers down to the one that reads."""
    return list(_steps(plan))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _words(part)
    if not isinstance(value, Mapping):
        return
    for name, part in value.items():
        if name == "winningPlan":
            yield from filter(None, map(_word, _steps(part)))
        elif name == "indexesUsed":
            yield from (f"IXSCAN {index}" for index in part)
        elif name not in ("rejectedPlans", "command", "executionStages"):
            yield from _words(part)


def _word(step: Mapping[str, Any]) -> str:
    stage = str(step.get("stage", ""))
    if "strategy" in step:  # a join that the newer engine carries out
        return f"{step['strategy']} {step.get('indexName', '')}".strip()
    if stage in _SCANS:
        return stage
    if stage in _BY_ID:
        return f"{stage} {step.get('indexName', '_id_')}"
    return f"{stage} {step.get('indexName', '')}".strip() if stage in _BY_INDEX else ""


def _steps(plan: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(plan, Mapping):
        return
    if "queryPlan" in plan:  # the newer engine wraps the plan
        yield from _steps(plan["queryPlan"])
        return
    if "stage" in plan:
        yield plan
    for name in ("inputStage", "outerStage", "innerStage", "thenStage", "elseStage"):
        yield from _steps(plan.get(name))
    for part in plan.get("inputStages", ()):
        yield from _steps(part)
