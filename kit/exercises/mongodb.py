"""The exercises of `03_mongodb.ipynb`; what is right is asked of the server, each time anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.launch.server import Server


def _catalog(server: Server, work: Callable[[Any], Any]) -> Any:
    with server.connect() as client:
        return work(client[server.catalog])


def _layers(server: Server) -> list[str]:
    def ask(catalog: Any) -> list[str]:
        return [
            run["_id"] for run in catalog.experiments.find({"config.layers": {"$exists": True}})
        ]

    found: list[str] = _catalog(server, ask)
    return found


def _good(server: Server) -> list[tuple[str, int]]:
    pipeline: list[dict[str, Any]] = [
        {"$match": {"metrics.accuracy": {"$gte": 0.95}}},
        {"$group": {"_id": "$model", "runs": {"$sum": 1}}},
    ]
    return _rows(server, pipeline, "runs")


def _lowest(server: Server) -> list[tuple[str, float]]:
    pipeline: list[dict[str, Any]] = [
        {"$unwind": "$curve"},
        {"$group": {"_id": "$_id", "loss": {"$min": "$curve.loss"}}},
    ]
    return _rows(server, pipeline, "loss")


def _rows(server: Server, pipeline: list[dict[str, Any]], name: str) -> list[tuple[str, Any]]:
    def ask(catalog: Any) -> list[tuple[str, Any]]:
        return [(one["_id"], one[name]) for one in catalog.experiments.aggregate(pipeline)]

    found: list[tuple[str, Any]] = _catalog(server, ask)
    return found


def _reads_no_more_than_it_returns(server: Server, answer: object) -> str | None:
    """Ask the server how it finds the mistaken digits, and look for the index that is named."""
    query = {"run_id": "tree-11", "predicted": 3}

    def look(catalog: Any) -> str | None:
        known = catalog.predictions.index_information()
        if answer not in known:
            return f"There is no index of that name. There are: {', '.join(sorted(known))}."
        plan = catalog.command(
            "explain", {"find": "predictions", "filter": query}, verbosity="executionStats"
        )
        stats = plan["executionStats"]
        if stats["totalDocsExamined"] > stats["nReturned"]:
            return (
                f"For {stats['nReturned']} predictions the server still reads "
                f"{stats['totalDocsExamined']}."
            )
        return None

    said: str | None = _catalog(server, look)
    return said


def _keeps_accuracy_between_zero_and_one(server: Server, answer: object) -> str | None:
    """Try good and bad documents on the collection that the answer names."""
    from pymongo.errors import WriteError

    def look(catalog: Any) -> str | None:
        if answer not in catalog.list_collection_names():
            return "There is no collection of that name."
        collection = catalog[answer]
        for accuracy, good in ((0.5, True), (95.0, False), (-0.1, False), ("0.9", False)):
            try:
                made = collection.insert_one({"accuracy": accuracy}).inserted_id
            except WriteError:
                if good:
                    return "It refuses an accuracy of 0.5, which is a fine one."
                continue
            collection.delete_one({"_id": made})
            if not good:
                return f"It lets {accuracy!r} pass."
        return None

    said: str | None = _catalog(server, look)
    return said


SECTION = Section(
    notebook="03_mongodb",
    title="MongoDB",
    database="mongodb",
    exercises=(
        Exercise(
            id="mg-1",
            title="A field that few have",
            expected=_layers,
            hints=(
                "The field lies inside `config`: its path has a dot in it.",
                '{"config.layers": {"$exists": True}} finds them; take each one\'s `_id`.',
            ),
        ),
        Exercise(
            id="mg-2",
            title="Good runs by model",
            expected=_good,
            columns=("_id", "runs"),
            hints=(
                "Two stages: keep the good ones with $match, then count with $group.",
                '{"$group": {"_id": "$model", "runs": {"$sum": 1}}} after a $match on '
                '"metrics.accuracy".',
            ),
        ),
        Exercise(
            id="mg-3",
            title="The lowest loss",
            expected=_lowest,
            columns=("_id", "loss"),
            tolerance=1e-4,
            hints=(
                "Take the curve apart with $unwind, and put it together again with $group.",
                '{"$unwind": "$curve"}, then {"$group": {"_id": "$_id", "loss": '
                '{"$min": "$curve.loss"}}}',
            ),
        ),
        Exercise(
            id="mg-4",
            title="No document too many",
            verify=_reads_no_more_than_it_returns,
            hints=(
                "One index on both fields reads less than one on either of them.",
                'predictions.create_index([("run_id", 1), ("predicted", 1)]) returns its name.',
            ),
        ),
        Exercise(
            id="mg-5",
            title="A validator for accuracy",
            verify=_keeps_accuracy_between_zero_and_one,
            hints=(
                "In $jsonSchema the rules stand under properties: bsonType, minimum, maximum.",
                'catalog.create_collection("scores", validator={"$jsonSchema": {"properties": '
                '{"accuracy": {"bsonType": "double", "minimum": 0, "maximum": 1}}}})',
            ),
        ),
    ),
)
