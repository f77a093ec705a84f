"""Panels that content of a database cannot reach, each with the reason.

An error of a server reaches every panel, by `Panel.fail` alone: it is seen in the panels that
`CASES` lists. What is listed here shows nothing else that somebody else wrote.
"""

from __future__ import annotations

_OWN = "It writes what it shows itself, in tables and keys of its own, and shows counts and times."
_SERVERS = "It shows servers' names, which `kit.start` checks, their roles and addresses."

UNREACHED = {
    "kit.labs.datasets.panel.Loading": "It loads scikit-learn's data and shows counts and times.",
    "kit.labs.dynamodb.bill.Receipt": (
        "It shows calls, sizes and names of tables, for which DynamoDB takes letters and digits."
    ),
    "kit.labs.dynamodb.global_tables.Regions": "Its stories write fixed items into its own table.",
    "kit.labs.dynamodb.locking.Writers": "Its stories write fixed items into a table of its own.",
    "kit.labs.dynamodb.paging.Pager": "It shows how many items each page holds, not the items.",
    "kit.labs.dynamodb.paying.Calculator": "It computes from figures and asks no server.",
    "kit.labs.dynamodb.simulation.Scaling": "It computes from figures and asks no server.",
    "kit.labs.dynamodb.story.Theatre": "Only Regions and Writers are made of it.",
    "kit.labs.engines.panel.Comparison": _OWN,
    "kit.labs.influxdb.cardinality.Cardinality": _OWN,
    "kit.labs.influxdb.retention.Retention": _OWN,
    "kit.labs.influxdb.storage.Storage": _OWN,
    "kit.labs.influxdb.working.Working": "It is a base: each panel made of it is listed itself.",
    "kit.labs.memcached.circle.RingPanel": _OWN,
    "kit.labs.memcached.eviction.Memory": _OWN,
    "kit.labs.memcached.survival.Volatile": _OWN,
    "kit.labs.memcached.workers.Concurrency": _OWN,
    "kit.labs.memcached.writers.Writers": _OWN,
    "kit.labs.mongodb.crash.Losses": _OWN,
    "kit.labs.mongodb.lanes.Transactions": "Its scripts write fixed documents of its own.",
    "kit.labs.mongodb.throughput.Writes": _OWN,
    "kit.labs.prometheus.explosion.Explosion": _OWN,
    "kit.labs.prometheus.observation.Observation": (
        "Its queries are fixed, on the metrics of the model server beside it."
    ),
    "kit.labs.reads.panel.Readers": _OWN,
    "kit.labs.redis.availability.Losses": _OWN,
    "kit.labs.redis.cache.Cache": _OWN,
    "kit.labs.redis.experiment.Experiment": "It is a base: each panel made of it is listed itself.",
    "kit.labs.redis.latency.Latency": _OWN,
    "kit.labs.redis.limiter.Comparison": _OWN,
    "kit.labs.redis.persistence.Persistence": _OWN,
    "kit.labs.redis.stampede.Stampede": _OWN,
    "kit.labs.replication.panel.Lag": _OWN,
    "kit.labs.stepper.crash.Crash": _OWN,
    "kit.labs.stepper.table.Verdicts": "Its scripts are fixed and run on a table of its own.",
    "kit.widgets.nodes.Nodes": _SERVERS,
}
