"""PromQL's console on a real server: answers, refusals and gaps are shown as it gave them."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from kit.errors import PromQLError, UsageError
from kit.labs import prometheus as lab
from kit.labs.prometheus import lines
from kit.labs.prometheus.api import Api, Found
from kit.labs.prometheus.completion import vocabulary
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

HOSTILE = '<img src=x onerror=alert(1)> "quoted"'


def test_an_answer_is_a_table_now_and_a_chart_over_time(server: Server) -> None:
    lab.until(server, "count_over_time(up[1m]) > 2")
    panel = lab.console(server, "sum by (job) (up)")
    assert panel.status.state == "done"
    assert panel.answer is not None
    assert panel.table.grids[0].columns == ["job", "value"]
    assert [row[0] for row in panel.table.grids[0].rows] == [
        one.labels["job"] for one in panel.answer.series
    ]
    panel.view.value = "chart"
    assert len(panel.chart.lines) >= 1
    assert panel.strip is not None
    assert panel.strip.text == "sum by (job) (up)"
    panel.close()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("sum(", "unclosed left parenthesis"),
        ("rate(up)", "expected type range vector"),
        ("up +", "unexpected end of input"),
    ],
)
def test_a_bad_query_is_the_servers_own_message_and_the_panel_goes_on(
    server: Server, expression: str, said: str
) -> None:
    panel = lab.console(server, expression)
    assert panel.status.state == "failed"
    assert said in panel.notice.value
    assert panel.run("vector(1)") is not None
    assert panel.status.state == "done"
    panel.close()


def test_an_empty_result_says_that_it_is_empty(server: Server) -> None:
    panel = lab.console(server, 'up{job="nobody"}')
    assert panel.status.state == "empty"
    assert "no series fits it" in panel.notice.value
    panel.close()


def test_nan_and_infinity_are_shown_as_what_they_are(server: Server) -> None:
    panel = lab.console(server, "vector(0) / 0 or label_replace(vector(1) / 0, 'a', 'b', '', '')")
    assert {str(row[-1]) for row in panel.table.grids[0].rows} == {"NaN", "∞"}
    assert panel.chart.lines == []
    panel.close()


def test_a_window_of_values_and_a_text_are_shown_too(server: Server) -> None:
    panel = lab.console(server, "up[5s]")
    assert panel.table.grids[0].columns[-1] == "values"
    panel.run('"text"')
    assert panel.table.grids[0].message == "text"
    panel.close()


def test_hostile_labels_are_escaped(server: Server) -> None:
    panel = lab.console(server, f"label_replace(vector(1), 'a', '{HOSTILE}', '', '')")
    assert "<img" not in panel.table.html
    assert "<img" not in panel.static_html()
    assert panel.answer is not None
    assert panel.answer.series[0].labels["a"] == HOSTILE
    panel.close()


def test_too_many_points_are_refused_with_what_to_do(api: Api) -> None:
    with pytest.raises(PromQLError, match="11,000 points"):
        api.range("vector(1)", 0, 20_000, 1)
    found = api.range("time()", time.time() - 10_000, time.time(), 1)
    assert len(found.series[0].points) == 10_001


def test_a_million_points_are_thinned_and_the_chart_says_so(server: Server, api: Api) -> None:
    end = time.time()
    wave = "sin(vector(time()) / 9) + (vector(time()) % 997 == bool 0) * 50"
    found = api.range(wave, end - 10_000, end, 1)
    points = [point for n in range(100) for point in shifted(found.series[0], n * 10_001)]
    assert len(points) > 1_000_000
    panel = lab.console(server, "vector(1)")
    panel.chart.show(lines.lines([Found({"a": "b"}, points)], 1.0))
    drawn = [value for line in panel.chart.lines for _, value in line.points]
    assert len(drawn) < 5000
    assert max(drawn) == max(value for _, value in points)
    assert min(drawn) == min(value for _, value in points)
    assert "1,000,100" in panel.chart.note
    panel.close()


def shifted(found: Found, seconds: float) -> list[tuple[float, float]]:
    return [(at + seconds, value) for at, value in found.points]


def test_a_gap_is_drawn_as_a_gap() -> None:
    made = lines.gapped([(0, 1.0), (1, 1.0), (5, 2.0), (6, 2.0)], 1.0)
    assert [at for at, _ in made] == [0, 1, 2, 5, 6]
    assert math.isnan(made[2][1])


def test_lines_are_named_by_the_labels_that_tell_them_apart() -> None:
    found = [Found({"code": code, "job": "a"}, [(0, 1.0)]) for code in ("200", "500")]
    assert lines.short_names(found) == ["200", "500"]
    assert lines.short_names(found[:1]) == [""]


def test_metrics_functions_labels_and_values_are_offered(api: Api) -> None:
    words = vocabulary(api)
    offered = dict(words["outside"])
    assert offered["prometheus_http_requests_total"] == "counter"
    assert offered["go_goroutines"] == "gauge"
    assert offered["rate"] == "function"
    assert '"prometheus"' in words["within"]["job"]


def test_a_lost_server_offers_promqls_own_words_and_says_what_to_do(own_home: Path) -> None:
    with start("prometheus", backend="process") as server:
        server.kill()
        await_true(lambda: server.state == "exited", "it is seen to have ended")
        panel = lab.console(server, "up")
        assert panel.status.state == "failed"
        assert "restart()" in panel.notice.value
        assert "rate" in dict(panel.editor.words["outside"])
        server.restart()
        panel.run("vector(1)")
        assert panel.status.state == "done"
        panel.close()


def test_a_window_below_zero_and_a_strangers_companion_are_refused(server: Server) -> None:
    with pytest.raises(UsageError, match="window="):
        lab.console(server, window=0)
    with pytest.raises(UsageError, match="companions"):
        lab.join(server, server)
