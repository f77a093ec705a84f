"""The model server on a real Prometheus: every request is counted, and views draw the counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.errors import UnknownName
from kit.labs import prometheus as lab
from kit.labs.prometheus.api import Api
from kit.labs.prometheus.observation import VIEWS, shares
from kit.labs.prometheus.serving import BUCKETS
from kit.launch.server import Server
from tests.labs.prometheus.reading import total
from tests.traces import await_true


@pytest.fixture(scope="module")
def model(server: Server) -> Iterator[lab.ModelServer]:
    service = lab.ModelServer(server)
    lab.scrape(server, "model", service.address, labels={"service": "digits"})
    lab.until(server, 'up{service="digits"} == 1')
    yield service
    lab.scrape(server, "model")
    service.close()


@pytest.fixture
def traffic(model: lab.ModelServer) -> Iterator[lab.Traffic]:
    with lab.Traffic(model, rate=40, errors=0.25) as people:
        yield people


def test_every_request_is_counted_by_its_outcome(
    api: Api, model: lab.ModelServer, server: Server
) -> None:
    model.restart()
    with lab.Traffic(model, rate=50, errors=0.3) as people:
        await_true(lambda: people.sent >= 40, "forty requests were answered")
    lab.until(server, f"sum(model_requests_total) == {people.sent}")
    assert total(api, 'sum(model_requests_total{code="500"})') == people.failed > 0
    assert total(api, "sum(model_request_seconds_count)") == people.sent
    assert total(api, "sum(model_predictions_total)") == people.sent - people.failed
    assert total(api, "sum(model_confidence_count)") == people.sent - people.failed


def test_the_model_is_real_and_its_refusals_are_its_own(model: lab.ModelServer) -> None:
    import requests

    from kit import data

    digits = data.digits()
    right = 0
    for pixels, label in zip(digits.test[:40].tolist(), digits.test_labels[:40], strict=True):
        said = requests.post(f"{model.here}/predict", json={"pixels": pixels}, timeout=10).json()
        right += said["digit"] == label
    assert right > 32
    short = requests.post(f"{model.here}/predict", json={"pixels": [0] * 3}, timeout=10)
    assert short.status_code == 500
    assert "64" in short.json()["error"]
    assert requests.post(f"{model.here}/predict", data="x", timeout=10).status_code == 400
    assert requests.get(f"{model.here}/nowhere", timeout=10).status_code == 404


def test_slowness_shows_in_the_quantiles(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    model.delay = 0.2
    try:
        lab.until(
            server,
            "histogram_quantile(0.5, sum by (le) (rate(model_request_seconds_bucket[5s]))) > 0.1",
        )
    finally:
        model.delay = 0.0


def test_a_restart_is_a_reset_that_rate_survives(
    server: Server, api: Api, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    lab.until(server, "sum(model_requests_total) > 40")
    model.restart()
    lab.until(server, "sum(resets(model_requests_total[30s])) > 0")
    assert total(api, "min(rate(model_requests_total[15s]))") >= 0


def test_restarted_with_other_buckets_it_has_those(
    server: Server, api: Api, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    model.restart(buckets=(0.1, 1.0))
    try:
        lab.until(server, "count(sum by (le) (model_request_seconds_bucket)) == 3")
    finally:
        model.restart(buckets=BUCKETS)


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_draws_what_its_queries_give(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic, view: str
) -> None:
    lab.until(server, "sum(rate(model_requests_total[5s])) > 0")
    panel = lab.observe(server, model, traffic, view=view, watch=False)
    assert panel.status.state == "done"
    assert all(answer.series for answer in panel.answers.values())
    assert panel.bars.bars if view == "Buckets" else panel.chart.lines
    assert panel.strip is not None
    assert next(iter(VIEWS[view].queries.values())) in panel.strip.text
    panel.close()


def test_the_controls_steer_the_load(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    panel = lab.observe(server, model, traffic, watch=False)
    panel.rate.value, panel.errors.value, panel.delay.value = 12, 50, 30
    assert (traffic.rate, traffic.errors, model.delay) == (12, 0.5, 0.03)
    panel.delay.value = 0
    panel.close()


def test_a_watching_panel_stops_when_it_is_closed(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    panel = lab.observe(server, model, traffic)
    assert panel.watch.running
    panel.close()
    assert not panel.watch.running


def test_an_unknown_view_is_refused_with_the_nearest(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    with pytest.raises(UnknownName, match="Errors"):
        lab.observe(server, model, traffic, view="Error")


def test_each_bucket_counts_only_what_fell_into_it(api: Api) -> None:
    answer = api.instant(
        "label_replace(vector(3), 'le', '0.1', '', '') or "
        "label_replace(vector(5), 'le', '1', '', '') or "
        "label_replace(vector(6), 'le', '+Inf', '', '')"
    )
    assert [(bar.label, bar.value) for bar in shares(answer)] == [
        ("0 to 0.1", 3.0),
        ("0.1 to 1", 2.0),
        ("above 1", 1.0),
    ]
