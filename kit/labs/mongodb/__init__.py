"""MongoDB's labs: pipelines, documents and their shape, indexes, writes, changes, transactions."""

from __future__ import annotations

from kit.labs.mongodb.builder import Builder, pipeline
from kit.labs.mongodb.changes import Feed, feed
from kit.labs.mongodb.crash import Losses, losses
from kit.labs.mongodb.explain import Explain, indexes
from kit.labs.mongodb.explorer import Explorer, documents
from kit.labs.mongodb.lanes import Transactions, transactions
from kit.labs.mongodb.search import Search, search
from kit.labs.mongodb.shape import drift, fields, validator
from kit.labs.mongodb.shards import Shards, shards
from kit.labs.mongodb.throughput import Writes, writes
from kit.labs.mongodb.validation import Validation, validate

__all__ = [
    "Builder",
    "Explain",
    "Explorer",
    "Feed",
    "Losses",
    "Search",
    "Shards",
    "Transactions",
    "Validation",
    "Writes",
    "documents",
    "drift",
    "feed",
    "fields",
    "indexes",
    "losses",
    "pipeline",
    "search",
    "shards",
    "transactions",
    "validate",
    "validator",
    "writes",
]
