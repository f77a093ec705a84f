"""The servers of a topology as one table, which follows what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kit.widgets import units
from kit.widgets.card import STATES
from kit.widgets.panel import WORDS, Panel, State
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown


class Member(Protocol):
    """What the table asks of a server's handle."""

    name: str

    @property
    def product(self) -> str:
        """Return what really answers."""

    @property
    def version(self) -> str:
        """Return the version that answers."""

    @property
    def state(self) -> str:
        """Return running, exited or stopped."""

    @property
    def address(self) -> str:
        """Return host and port."""

    def on_change(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Call back when the state changes."""


class Together(Protocol):
    """What the table asks of a topology."""

    @property
    def title(self) -> str:
        """Return the database's name."""

    @property
    def kind(self) -> str:
        """Return what the servers are to each other."""

    @property
    def servers(self) -> Sequence[Member]:
        """Return the servers that hold data."""

    @property
    def watchers(self) -> Sequence[Member]:
        """Return the servers that keep watch."""

    def roles(self) -> dict[str, str]:
        """Return what each server does at present, by its name."""


class Nodes(Panel):
    """List a topology's servers: what each does, whether it runs, and where."""

    def __init__(self, topology: Together, *, accent: str = "") -> None:
        self.topology = topology
        self.table = Table("Servers")
        super().__init__(f"{topology.title} {topology.kind}", accent=accent, body=[self.table])
        everyone = (*topology.servers, *topology.watchers)
        self._unsubscribe = [one.on_change(lambda _one: self.look()) for one in everyone]
        self.look()

    def look(self) -> None:
        """Ask every server anew."""
        roles = self.topology.roles()
        everyone = [*self.topology.servers, *self.topology.watchers]
        self.table.show(
            Grid(
                columns=["server", "role", "product", "state", "address"],
                rows=[
                    [
                        one.name,
                        roles.get(one.name, ""),
                        f"{one.product} {one.version}",
                        Shown(one.state, one.state, icon=STATES[one.state][1]),
                        one.address,
                    ]
                    for one in everyone
                ],
                volatile=frozenset({"address"}),
            )
        )
        up = sum(one.state == "running" for one in everyone)
        state: State = "done" if up == len(everyone) else "failed"
        told = f"{up} of {units.plural(len(everyone), 'server')} running"
        self.status.show(state, told, icon=WORDS[state][0])

    def close(self) -> None:
        """Stop listening, and remove the table from the page."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        super().close()
