"""The targets lab: the configuration in an editor, the targets that come of it, and relabelling."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.errors import KitError
from kit.labs.prometheus import configuration
from kit.labs.prometheus.api import Api, hint
from kit.labs.prometheus.configuration import Relabelled, Target
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.editor import Editor
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

EVERY = 1.0
_NONE = "–"
_ICONS = {"up": "✓", "down": "✗", "unknown": "◌", "dropped": "○"}
_STAYS = "The configuration that was in force before stays in force, and its file is back."


class Targets(Panel):
    """Edit what Prometheus scrapes, and see which targets are up."""

    def __init__(self, api: Api) -> None:
        server, self.api = api.server, api
        self.found: list[Target] = []
        self._turn = threading.Lock()
        self.watch = Watch(self._look, stopped=self._stopped)
        config = server.read(configuration.CONFIG)
        self.editor = Editor(config, "prometheus.yml", "scrape_configs: …", self._start)
        self.table = Table("Targets")
        self.go = ipywidgets.Button(
            description="Apply",
            tooltip="Write the file and have Prometheus read it (Ctrl+Enter)",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self._start())
        self.back = ipywidgets.Button(
            description="Undo my changes", tooltip="Put the file in force into the editor"
        )
        self.back.on_click(lambda _button: self._undo())
        notice = Notice()
        super().__init__(
            "Targets",
            note=f"{server.product} · {server.name}",
            accent=databases.get(server.database).accent,
            controls=[self.go, self.back],
            body=[self.editor, notice, self.table],
            strip=Code("What ran", language="text"),
            notice=notice,
        )

    def put(self, config: str | None = None) -> bool:
        """Put the editor's text in force; return whether Prometheus took it."""
        if config is not None:
            self.editor.value = config
        self.start("applying")
        try:
            configuration.put_config(self.api.server, self.editor.value)
        except KitError as error:
            self.fail(str(error), _STAYS)
            return False
        if self.strip is not None:
            self.strip.show("POST /-/reload\nGET /api/v1/targets")
        self.refresh()
        return True

    def refresh(self) -> list[Target]:
        """Look once at the targets, and return them."""
        with self._turn:
            try:
                self.found = configuration.targets(self.api.server)
            except KitError as error:
                self.table.show()
                self.fail(str(error), hint(str(error)))
                return []
            self.table.show(target_grid(self.found))
            if self.strip is not None and not self.strip.text:
                self.strip.show("GET /api/v1/targets")
            self._say()
        return self.found

    def close(self) -> None:
        """Stop looking and remove the panel; the configuration stays."""
        self.watch.stop()
        super().close()

    def _start(self) -> None:
        self.background(self.put)

    def _undo(self) -> None:
        try:
            self.editor.value = self.api.server.read(configuration.CONFIG)
        except (KitError, OSError) as error:
            self.fail(str(error))

    def _say(self) -> None:
        # What was refused stays in sight until it is mended.
        if self.status.state == "failed" and self.notice.value and self.watch.running:
            return
        counts = {state: sum(one.health == state for one in self.found) for state in _ICONS}
        said = [f"{count} {state}" for state, count in counts.items() if count]
        self.done(" · ".join(said) or units.plural(0, "target"))

    def _look(self) -> float:
        self.refresh()
        return EVERY

    def _stopped(self) -> None:
        self.halt("interrupted · open the panel anew to look again")


def targets(server: Server, *, watch: bool = True) -> Targets:
    """Open the targets lab on a Prometheus of the kit's own; without `watch` it looks only once."""
    shown = Targets(Api(server))
    shown.refresh()
    if watch:
        shown.watch.start()
    return shown


def target_grid(found: Sequence[Target]) -> Grid:
    """Lay out targets, the labels that come with every sample as one column."""
    rows = [
        [
            one.job,
            Shown(one.health, one.health, _ICONS.get(one.health, "")),
            one.discovered.get("__address__", ""),
            _written(one.labels) or _NONE,
            one.error or _NONE,
        ]
        for one in found
    ]
    return Grid(
        columns=["job", "health", "address", "labels", "last error"],
        rows=rows,
        volatile=frozenset({"address", "last error"}),
    )


class Relabelling(Panel):
    """Edit relabelling rules, and see what becomes of one target, rule by rule."""

    def __init__(self, api: Api, labels: Mapping[str, str], rules: str) -> None:
        self.labels = dict(labels)
        self.steps: list[Relabelled] = []
        self.editor = Editor(rules, "Rules", "- {source_labels: …}", self._start)
        self.table = Table("Relabelling, rule by rule")
        self.go = ipywidgets.Button(
            description="Apply",
            tooltip="Have promtool apply the rules (Ctrl+Enter); nothing is put in force",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self._start())
        notice = Notice()
        super().__init__(
            "Relabelling",
            note=f"the target {labels.get('__address__', '')}, rule by rule",
            accent=databases.get(api.server.database).accent,
            controls=[self.go],
            body=[self.editor, notice, self.table],
            strip=Code("What ran, once for each rule", language="text"),
            notice=notice,
        )

    def put(self, rules: str | None = None) -> list[Relabelled]:
        """Apply the rules in the editor; return the steps, none where they were refused."""
        if rules is not None:
            self.editor.value = rules
        self.start("applying")
        try:
            self.steps = configuration.relabel(self.labels, configuration.rules(self.editor.value))
        except KitError as error:
            self.steps = []
            self.table.show()
            self.fail(str(error))
            return []
        self.table.show(_relabel_grid(self.labels, self.steps))
        if self.strip is not None:
            job = self.labels.get("job", "job")
            self.strip.show(f"promtool check service-discovery {configuration.CONFIG} {job}")
        self.done(units.plural(len(self.steps), "rule"))
        return self.steps

    def _start(self) -> None:
        self.background(self.put)


def relabel(server: Server, labels: Mapping[str, str], rules: str) -> Relabelling:
    """Show what relabelling rules, as YAML, make of a discovered target, one by one.

    promtool applies them, so it is Prometheus's own code; nothing is put in force. Labels that
    begin with two underscores are at hand until the last rule, and then gone.
    """
    shown = Relabelling(Api(server), labels, rules.strip())
    shown.put()
    return shown


def _relabel_grid(labels: Mapping[str, str], steps: Sequence[Relabelled]) -> Grid:
    before: Mapping[str, str] | None = labels
    rows: list[list[Any]] = [["as it was found", _NONE, _all(labels)]]
    for step in steps:
        rows.append([_flow(step.rule), _change(before, step.labels), _all(step.labels)])
        before = step.labels
    kept = {k: v for k, v in (before or {}).items() if not k.startswith("__")}
    last = _all(kept if before else None, instance=True)
    rows.append(["what every sample carries", _NONE, last])
    return Grid(columns=["rule", "what it did", "labels after it"], rows=rows)


def _written(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{k}={v}" for k, v in labels.items() if k not in ("job", "instance"))


def _all(labels: Mapping[str, str] | None, *, instance: bool = False) -> str:
    if labels is None:
        return "dropped: not scraped"
    shown = {key: value for key, value in labels.items() if instance or key != "instance"}
    return ", ".join(f"{key}={value}" for key, value in sorted(shown.items()))


def _flow(rule: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {json.dumps(value)}" for key, value in rule.items())


def _change(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> str:
    if before is None or after is None:
        return _NONE if before is None else "dropped it"
    said = [f"+ {k}={v}" for k, v in after.items() if before.get(k) != v and k != "instance"]
    said += [f"− {k}" for k in before if k not in after and not k.startswith("__")]
    return ", ".join(said) or "nothing"
