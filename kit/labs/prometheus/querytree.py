"""The query tree: an expression taken apart, each step evaluated and timed by the server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import ipywidgets

from kit import databases
from kit.errors import KitError
from kit.labs.prometheus import drawing, findings, parsing
from kit.labs.prometheus.api import Api, hint
from kit.labs.prometheus.completion import vocabulary
from kit.labs.prometheus.evaluation import TIMES, Node, evaluate
from kit.widgets.code import Code
from kit.widgets.completing import Completing
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.plan_tree import PlanTree
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    from kit.launch.server import Server

_EMPTY = "Write an expression and press `Take apart`: the server evaluates each of its steps."
_QUIET = "Nothing stands out: every step found what it asked for."


class QueryTree(Panel):
    """A place to write an expression, and its steps as a tree."""

    def __init__(self, api: Api, expression: str, times: int) -> None:
        server, self.api = api.server, api
        self.root: Node | None = None
        self._times = times
        self._stop = threading.Event()
        self._turn = Turn()
        self.editor = Completing(
            expression, "PromQL", "up   (Ctrl+Enter takes it apart)", self._start
        )
        self.tree = PlanTree("Query tree", drawing.COLUMNS)
        self.go = ipywidgets.Button(
            description="Take apart",
            tooltip="Evaluate and time each step of the expression (Ctrl+Enter)",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self._start())
        notice = Notice()
        borrowed = "" if server.supports(parsing.FEATURE) else drawing.BORROWED
        super().__init__(
            "Query tree",
            note=" · ".join(filter(None, [server.product, server.name, borrowed])),
            accent=databases.get(server.database).accent,
            controls=[self.go],
            body=[self.editor, notice, self.tree],
            strip=Code("PromQL that ran, step by step", language="promql"),
            notice=notice,
        )
        self.empty(_EMPTY)
        if expression:
            self.run()

    def run(self, expression: str | None = None) -> Node | None:
        """Take an expression apart, or the one in the editor; None where nothing came of it."""
        if expression is not None:
            self.editor.value = expression
        with self._turn:
            self.go.disabled = True
            self._stop.clear()
            self.start(cancel=self._stop.set)
            try:
                return self._evaluate(self.editor.value)
            except KitError as error:
                self.root = None
                self.tree.show([])
                self.fail(str(error), hint(str(error)))
                return None
            finally:
                self.go.disabled = False

    def close(self) -> None:
        """Stop what runs, and remove the panel."""
        self._turn.end()
        self._stop.set()
        super().close()

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _evaluate(self, expression: str) -> Node | None:
        self.editor.words = vocabulary(self.api)
        if not expression.strip():
            self.tree.show([])
            self.empty(_EMPTY)
            return None
        root = evaluate(self.api, expression, times=self._times, stop=self._stop)
        self.root = root
        found = findings.look(self.api, root)
        self.tree.show(
            drawing.rows(root, found),
            remarks=drawing.remarks(root, found),
            chosen=drawing.chosen(root, found),
            note=drawing.LATER,
            quiet=_QUIET,
        )
        if self.strip is not None:
            self.strip.show(_script(root))
        self._conclude(root)
        return root

    def _conclude(self, root: Node) -> None:
        if self._stop.is_set():
            self.halt("cancelled: the rest was not evaluated", state="done")
        elif root.refusal:
            message = str(root.refusal)
            self.fail(message, hint(message), text=drawing.summary(root))
        else:
            self.done(drawing.summary(root), seconds=root.seconds)


def tree(server: Server, expression: str = "", *, times: int = TIMES) -> QueryTree:
    """Open the query tree on a Prometheus server, and take `expression` apart if there is any.

    Each step is evaluated `times` times; its time is the median.
    """
    return QueryTree(Api(server), expression, times)


def _script(root: Node) -> str:
    """Return what was sent, the lowest steps first, as they were evaluated."""
    sent = [node.step.text.strip() for node in reversed(list(root.all())) if not node.step.literal]
    return "\n".join(dict.fromkeys(sent))
