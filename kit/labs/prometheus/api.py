"""Prometheus's HTTP API, asked through prometheus-api-client's connection."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kit.errors import PromQLError, ServerGone, UsageError
from kit.labs.remedy import remedy

if TYPE_CHECKING:
    from kit.launch.server import Server

PATIENCE = 30
"""Seconds that a query may take."""

_QUOTED = re.compile(r"HTTP Status Code (\d+) \((b['\"].*['\"])\)", re.DOTALL)
_FOLDER = re.compile(r"/[\w./+-]*/(?=[\w-]+\.ya?ml)")
_HINTS = {
    "exceeded maximum resolution": "Choose a wider step: one series may have 11,000 points.",
    "many-to-many matching": "Say which labels must agree: on (…) or ignoring (…), and "
    "group_left or group_right where several series share one partner.",
    "multiple matches for labels": "Several series on one side share a partner: "
    "say on which side with group_left or group_right.",
    "duplicate series on the": "Several series have the same labels once the others are ignored: "
    "match on more labels, or aggregate that side first.",
    "expected type range vector": "This function looks back over a window: "
    "put one behind the selector, as in metric[5m].",
    "expected type instant vector": "This wants one value per series: "
    "leave the window out, or wrap it in a function such as rate().",
    "parse error": "The place is counted in lines and characters from 1.",
    "invalid expression type": "A range of values cannot be drawn: wrap it in a function "
    "such as rate() or max_over_time().",
}


@dataclass(frozen=True)
class Found:
    """One series of an answer: its labels, and its points as (Unix time, value)."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def name(self) -> str:
        """Return the series as PromQL writes it."""
        return written(self.labels)

    @property
    def value(self) -> float:
        """Return the last value."""
        return self.points[-1][1]


@dataclass(frozen=True)
class Answer:
    """What an expression came to; `kind` is the server's vector, matrix, scalar or string.

    `seconds` is what the evaluation took by the server's own clock, `samples` how many it read.
    """

    kind: str
    series: Sequence[Found]
    text: str = ""
    seconds: float = 0.0
    samples: int = 0


class Api:
    """One server, asked anew each time: it may have been restarted in between."""

    def __init__(self, server: Server) -> None:
        if getattr(server, "database", "") != "prometheus":
            raise UsageError('This lab wants a Prometheus: kit.start("prometheus").')
        self.server = server

    def instant(self, expression: str, *, at: float | None = None) -> Answer:
        """Evaluate an expression at one moment, now unless `at` (Unix time) says otherwise.

        Raise PromQLError where the server refuses it, ServerGone where none answers.
        """
        asked = {"query": expression, "stats": "all", "timeout": f"{PATIENCE}s"}
        data = self.get("query", **asked, **({} if at is None else {"time": f"{at:.3f}"}))
        stats = data.get("stats", {})
        seconds = stats.get("timings", {}).get("evalTotalTime", 0.0)
        samples = stats.get("samples", {}).get("totalQueryableSamples", 0)
        return _answer(data["resultType"], data["result"], seconds, samples)

    def range(self, expression: str, start: float, end: float, step: float) -> Answer:
        """Evaluate an expression every `step` seconds between two Unix times, in whole seconds."""
        from prometheus_api_client.exceptions import PrometheusApiClientException

        first, last = (datetime.fromtimestamp(time, UTC) for time in (start, end))
        client = self._client()
        try:
            found = client.custom_query_range(expression, first, last, f"{step:g}")
        except PrometheusApiClientException as error:
            raise _quoted(str(error)) from None
        except OSError:
            raise self._gone() from None
        finally:
            client.close()
        return _answer("matrix", found, 0.0, 0)

    def get(self, path: str, **params: Any) -> Any:
        """Return the data of one request, as `get("targets", state="active")`."""
        return self._send("GET", f"/api/v1/{path}", params)

    def reload(self) -> None:
        """Have the server read its configuration anew; raise PromQLError where it finds fault."""
        try:
            self._send("POST", "/-/reload", {})
        except PromQLError as error:
            # Where the file lies on this machine is nobody's business.
            raise PromQLError(_FOLDER.sub("", str(error))) from None

    def metrics(self) -> dict[str, str]:
        """Return the names of all metrics with their type, empty where no target tells it."""
        told = self.get("metadata")
        names = self.get("label/__name__/values")
        return {
            name: told[base][0]["type"] if (base := _base(name, told)) else "" for name in names
        }

    def labels(self, metric: str = "") -> list[str]:
        """Return the names of all labels, or of those that a metric carries."""
        found: list[str] = self.get("labels", **_matching(metric))
        return found

    def values(self, label: str, metric: str = "") -> list[str]:
        """Return the values of a label."""
        found: list[str] = self.get(f"label/{label}/values", **_matching(metric))
        return found

    def _send(self, method: str, path: str, params: Mapping[str, Any]) -> Any:
        client = self._client()
        try:
            answer = client._session.request(
                method, f"{client.url}{path}", params=params, auth=client.auth, timeout=PATIENCE + 5
            )
        except OSError:
            raise self._gone() from None
        finally:
            client.close()
        if not answer.ok:
            raise _refused(answer.status_code, answer.text)
        return answer.json()["data"] if answer.text else None

    def _client(self) -> Any:
        return self.server.connect(timeout=PATIENCE + 5)

    def _gone(self) -> ServerGone:
        return ServerGone(f"Prometheus {self.server.name!r} does not answer. {remedy(self.server)}")


def written(labels: Mapping[str, str]) -> str:
    """Write labels as PromQL does: the name in front, the rest in braces."""
    rest = ", ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in labels.items()
        if key != "__name__"
    )
    name = labels.get("__name__", "")
    return name + (f"{{{rest}}}" if rest or not name else "")


def hint(message: str) -> str:
    """Return what to do about a refusal, nothing where no advice is known."""
    return next((said for known, said in _HINTS.items() if known in message), "")


def _answer(kind: str, result: Any, seconds: float, samples: int) -> Answer:
    if kind == "string":
        return Answer(kind, [], text=str(result[1]), seconds=seconds)
    if kind == "scalar":
        return Answer(kind, [Found({}, [_point(result)])], seconds=seconds, samples=samples)
    series = [
        Found(one["metric"], [_point(pair) for pair in one.get("values") or [one["value"]]])
        for one in result
        # A native histogram has no single value, and is not drawn.
        if "value" in one or "values" in one
    ]
    return Answer(kind, series, seconds=seconds, samples=samples)


def _point(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def _quoted(said: str) -> PromQLError:
    found = _QUOTED.search(said)
    if not found:
        return PromQLError(said)
    return _refused(int(found[1]), ast.literal_eval(found[2]).decode(errors="replace"))


def _refused(status: int, text: str) -> PromQLError:
    try:
        message = str(json.loads(text)["error"])
    except (ValueError, LookupError, TypeError):
        message = text.strip() or f"HTTP status {status}"
    return PromQLError(message)


def _base(name: str, told: Mapping[str, Any]) -> str:
    """Return the name under which the type of a metric is told: of a family only the first part."""
    tails = ("", "_bucket", "_count", "_sum", "_total", "_created")
    bases = (name.removesuffix(tail) for tail in tails if name.endswith(tail))
    return next((base for base in bases if base in told), "")


def _matching(metric: str) -> dict[str, str]:
    return {"match[]": f"{{__name__={json.dumps(metric)}}}"} if metric else {}
