"""The picture of a ring: which node has which place and colour, where keys lie, what moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.labs.memcached.moving import Moving
from kit.labs.memcached.nodes import Ketama, arcs
from kit.widgets import units, values
from kit.widgets.chart import PALETTE
from kit.widgets.ring import Key, Owner

MOST = len(PALETTE)
"""Nodes that can be told apart by their colours."""


def places(before: Sequence[str], here: Sequence[str]) -> list[str]:
    """Keep each node's place, and so its colour; a new one takes the place of one that is gone."""
    kept = list(before)
    for name in here:
        if name in kept:
            continue
        gone = next((i for i, old in enumerate(kept) if old not in here), None)
        if gone is None or len(kept) < MOST:
            kept.append(name)
        else:
            kept[gone] = name
    return kept


def owners(moving: Moving, placed: Sequence[str], here: Sequence[str]) -> list[Owner]:
    """Return the nodes with their stretches, and with what was counted on each."""
    stretches, held = arcs(moving.ring.points()), moving.held
    return [
        Owner(
            name=name,
            arcs=stretches.get(name, []),
            share=held.hits.get(name, 0) / (held.reads or 1),
            note=f"{units.plural(held.hits[name], 'key')} counted on it"
            if name in held.hits
            else "",
            gone=name not in here,
        )
        for name in placed
    ]


def keys(ring: Ketama, before: Mapping[str, str | None], placed: Sequence[str]) -> list[Key]:
    """Return the keys of `before` where they lie now; those with another node than then moved."""
    shown = []
    for name, old in before.items():
        owner = ring.name(name)
        if owner in placed:
            place = placed.index(owner)
            shown.append(Key(at=ring.at(name), owner=place, name=name, moved=old != owner))
    return shown


def sought(ring: Ketama, name: str, placed: Sequence[str]) -> list[Key]:
    """Return the one key that is looked for, with the way to its point; none for an empty name."""
    owner = ring.name(name) if name else None
    if owner not in placed:
        return []
    at, points = ring.at(name), ring.points()
    # The next point clockwise has the key; after the last one comes the first.
    point = next((place for place, _ in points if place > at), points[0][0])
    said = f"{values.visible(name)} → {owner}"
    return [Key(at=at, owner=placed.index(owner), name=said, sought=True, point=point)]
