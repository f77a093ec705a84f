"""The stages of an aggregation: what each does, and an example to begin from.

After MongoDB's manual, "Aggregation Stages".
"""

from __future__ import annotations

from dataclasses import dataclass

MANUAL = "https://www.mongodb.com/docs/manual/reference/operator/aggregation"
WRITING = frozenset({"$out", "$merge"})


@dataclass(frozen=True)
class Kind:
    """A stage's name, what it does in one sentence, and a value to begin from."""

    name: str
    help: str
    example: str

    @property
    def link(self) -> str:
        """Return the page of the manual."""
        return f"{MANUAL}/{self.name.removeprefix('$')}/"


KINDS = (
    Kind(
        "$match",
        "Keep the documents that fit. Put it first: only there can it use an index.",
        '{"status": "finished"}',
    ),
    Kind(
        "$group",
        "Make one document of all that share a key: `_id` is the key, the rest is gathered.",
        '{"_id": "$model", "best": {"$max": "$metrics.accuracy"}}',
    ),
    Kind("$sort", "Put in order: 1 upwards, -1 downwards.", '{"metrics.accuracy": -1}'),
    Kind("$limit", "Let the first few pass.", "5"),
    Kind("$skip", "Leave out the first few.", "5"),
    Kind(
        "$project",
        "Say which fields go on, and work out new ones; all others are dropped.",
        '{"run": 1, "accuracy": "$metrics.accuracy"}',
    ),
    Kind(
        "$set",
        "Add fields, or replace them; all others stay. Also called `$addFields`.",
        '{"error": {"$subtract": [1, "$metrics.accuracy"]}}',
    ),
    Kind("$unset", "Drop the fields that are named.", '["curve", "note"]'),
    Kind(
        "$unwind",
        "Take an array apart: one document for each of its elements. Where there is no array, or "
        "an empty one, nothing comes out.",
        '"$curve"',
    ),
    Kind(
        "$lookup",
        "Fetch the documents of another collection that belong to this one, as an array.",
        '{"from": "artifacts", "localField": "_id", "foreignField": "run_id", "as": "artifacts"}',
    ),
    Kind(
        "$facet",
        "Run several pipelines over the same documents; their results become one document.",
        '{"count": [{"$count": "runs"}], "models": [{"$sortByCount": "$model"}]}',
    ),
    Kind("$count", "Count, and go on with that one number under the name given.", '"runs"'),
    Kind("$sortByCount", "Group by a value and count, the most frequent first.", '"$model"'),
    Kind(
        "$bucket",
        "Group by ranges that you set.",
        '{"groupBy": "$metrics.accuracy", "boundaries": [0, 0.9, 0.95, 1.01]}',
    ),
    Kind(
        "$bucketAuto",
        "Group by ranges that hold about equally many documents.",
        '{"groupBy": "$metrics.accuracy", "buckets": 3}',
    ),
    Kind(
        "$setWindowFields",
        "Work out a field from the neighbours of each document: ranks, moving averages.",
        '{"partitionBy": "$model", "sortBy": {"metrics.accuracy": -1},\n'
        ' "output": {"rank": {"$rank": {}}}}',
    ),
    Kind("$replaceWith", "Go on with what lies inside each document.", '"$metrics"'),
    Kind("$unionWith", "Append the documents of another collection.", '"artifacts"'),
    Kind("$sample", "Pick documents by chance.", '{"size": 3}'),
    Kind(
        "$graphLookup",
        "Follow references from document to document, as far as they go.",
        '{"from": "experiments", "startWith": "$parent", "connectFromField": "parent",\n'
        ' "connectToField": "_id", "as": "ancestors"}',
    ),
    Kind(
        "$merge",
        "Write the result into a collection, document by document. Only as the last stage.",
        '{"into": "leaderboard"}',
    ),
    Kind(
        "$out",
        "Write the result into a collection in place of what was there. Only as the last stage.",
        '"leaderboard"',
    ),
)
NAMES = tuple(kind.name for kind in KINDS)
