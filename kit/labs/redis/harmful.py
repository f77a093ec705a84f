"""Commands that reach beyond one's own database, and what they do to those who share a server."""

from __future__ import annotations

from collections.abc import Sequence

_HARM = {
    (b"flushall",): "empties the databases of everybody",
    (b"swapdb",): "exchanges the databases of two others",
    (b"select",): "goes into a database that may be somebody else's",
    (b"move",): "puts a key into a database that may be somebody else's",
    (b"shutdown",): "ends the server",
    (b"debug",): "may stop the server",
    (b"replicaof",): "gives the server another primary, and drops its data",
    (b"slaveof",): "gives the server another primary, and drops its data",
    (b"failover",): "hands the server's part to a replica",
    (b"monitor",): "shows what everybody sends",
    (b"acl",): "changes who may do what",
    (b"config", b"set"): "changes the server's configuration",
    (b"config", b"resetstat"): "sets everybody's counters to zero",
    (b"script", b"flush"): "forgets everybody's scripts",
    (b"function", b"flush"): "forgets everybody's functions",
    (b"client", b"kill"): "cuts the connections of others",
    (b"client", b"pause"): "keeps everybody waiting",
}


def harm(arguments: Sequence[bytes]) -> str:
    """Say what a command does to others; empty for one that stays within its own database."""
    words = tuple(word.lower() for word in arguments[:2])
    return _HARM.get(words, _HARM.get(words[:1], ""))
