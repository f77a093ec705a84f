"""The MLflow explorer with one control more: which server is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets

from kit.labs.source import Source
from kit.labs.tracking import Explorer


class Switched(Explorer):
    """Look at the same experiment on one server or the other."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        experiment: str | None,
        metric: str | None,
        refresh: float = 1.0,
    ) -> None:
        super().__init__(sources[0], experiment=experiment, metric=metric, refresh=refresh)
        self.sources = {source.title: source for source in sources}
        self.server = ipywidgets.Dropdown(options=list(self.sources), description="Server")
        self.server.layout.width = "auto"
        self.controls.children = [self.server, *self.controls.children]
        self.server.observe(self._switch, "value")

    def show(self, server: int) -> None:
        """Look at one of the servers, counted from 0."""
        self.server.value = list(self.sources)[server]

    def _switch(self, change: Any) -> None:
        with self._turn:
            # An experiment has one number here and another there, but the same name.
            if self.found is not None:
                names = {one.id: one.name for one in self.found.experiments}
                wanted = self._wanted["experiment"]
                self._wanted["experiment"] = names.get(wanted or "", wanted)
            self.source = self.sources[change["new"]]
            self._forget()
            self._picked, self.found = None, None
            self.rule.accent = self.source.accent
            self.describe(self.source.title)
            self.refresh()
