"""Questions on real runs, each with the pipeline that answers it."""

from __future__ import annotations

from typing import Any

OWN = "Your own"

QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "Best run of each model": [
        {"$match": {"status": "finished"}},
        {"$sort": {"metrics.accuracy": -1}},
        {
            "$group": {
                "_id": "$model",
                "run": {"$first": "$_id"},
                "accuracy": {"$first": "$metrics.accuracy"},
                "runs": {"$sum": 1},
            }
        },
        {"$sort": {"accuracy": -1}},
    ],
    "Learning curves": [
        {"$match": {"curve": {"$exists": True}}},
        {"$unwind": "$curve"},
        {"$project": {"model": 1, "epoch": "$curve.epoch", "loss": "$curve.loss"}},
        {"$sort": {"_id": 1, "epoch": 1}},
    ],
    "Runs with their artifacts": [
        {"$match": {"metrics.accuracy": {"$gte": 0.95}}},
        {
            "$lookup": {
                "from": "artifacts",
                "localField": "_id",
                "foreignField": "run_id",
                "as": "artifact",
            }
        },
        {"$unwind": "$artifact"},
        {
            "$project": {
                "accuracy": "$metrics.accuracy",
                "kilobytes": {"$round": [{"$divide": ["$artifact.bytes", 1000]}, 0]},
            }
        },
        {"$sort": {"kilobytes": 1}},
    ],
    "Leaderboard": [
        {"$match": {"status": "finished"}},
        {
            "$facet": {
                "top": [
                    {"$sort": {"metrics.accuracy": -1, "_id": 1}},
                    {"$limit": 3},
                    {"$project": {"accuracy": "$metrics.accuracy"}},
                ],
                "models": [{"$sortByCount": "$model"}],
                "bands": [
                    {
                        "$bucket": {
                            "groupBy": "$metrics.accuracy",
                            "boundaries": [0, 0.9, 0.95, 0.98, 1.01],
                        }
                    }
                ],
            }
        },
    ],
}
