"""Things within things: schemas, tables, columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import traitlets

from kit.widgets import units, values
from kit.widgets.parts import HERE, Part


@dataclass(frozen=True, kw_only=True)
class Node:
    """One thing, what it holds, and the text it gives when it is picked."""

    label: str
    note: str = ""
    kind: str = ""
    picked: str = ""
    open: bool = False
    children: Sequence[Node] = ()

    def branch(self) -> dict[str, Any]:
        """Return the node and all below it as plain data."""
        return {
            "label": values.visible(self.label),
            "note": values.visible(self.note),
            "kind": self.kind,
            "picked": self.picked,
            "open": self.open,
            "children": [child.branch() for child in self.children],
        }


class Tree(Part):
    """Show nodes that open and close, by mouse or by the arrow keys; Enter picks one."""

    _esm = HERE / "tree.js"
    nodes: Any = traitlets.List().tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)

    def __init__(self, label: str, *, picked: Callable[[str], None] | None = None) -> None:
        super().__init__(label=label)
        self.roots: tuple[Node, ...] = ()
        if picked is not None:
            self.listen("picked", lambda value: picked(str(value)))

    def show(self, roots: Sequence[Node]) -> None:
        """Replace what is shown; what was open stays open."""
        self.roots = tuple(roots)
        self.nodes = [node.branch() for node in roots]

    def static_html(self) -> str:
        """Return the two upper levels, folded."""
        if not self.roots:
            return ""
        items = "".join(f"<li>{_item(node)}</li>" for node in self.roots)
        return f"<details><summary>{escape(self.label)}</summary><ul>{items}</ul></details>"

    def static_text(self) -> str:
        """Return the upper level, each with the number of things in it."""
        lines = [
            f"{n.label}: {units.plural(len(n.children), 'entry', 'entries')}" for n in self.roots
        ]
        return "\n".join([f"{self.label}:", *lines]) if lines else ""


def _item(node: Node) -> str:
    within = ", ".join(escape(values.visible(child.label)) for child in node.children)
    return escape(values.visible(node.label)) + (f": {within}" if within else "")
