"""What a real Alertmanager holds: silenced and inhibited alerts are kept back, and no others."""

from __future__ import annotations

import pytest

from kit.errors import UsageError
from kit.labs import prometheus as lab
from kit.launch.server import Server
from tests.labs.prometheus.reading import plain
from tests.traces import await_true

ON = "vector(1) > 0"


def states(panel: lab.AlertLab) -> dict[str, tuple[str, str]]:
    """Return what the panel's table says of each alert: its state, and what keeps it back."""
    panel.refresh()
    return {
        str(row[0]): (str(row[2]), str(row[3])) for grid in panel.table.grids for row in grid.rows
    }


def test_a_silence_keeps_an_alert_back_until_it_ends(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    quiet = lab.silence(alertmanager, 60, alertname="Hushed")
    lab.put_rules(server, lab.rule("Hushed", ON, hold="0s"))
    await_true(
        lambda: any(one["status"]["silencedBy"] == [quiet] for one in lab.held(alertmanager)),
        "it is held and silenced",
    )
    assert receiver.count("firing", "Hushed") == 0
    lab.unsilence(alertmanager, quiet)
    receiver.until("firing", "Hushed")
    lab.put_rules(server, "groups: []\n")
    with pytest.raises(UsageError, match="which alerts"):
        lab.silence(alertmanager)


def test_an_inhibited_alert_is_kept_back_by_the_greater_one(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    lab.deliver(alertmanager, receiver.url, inhibit={"Down": "Slow"})
    lab.put_rules(server, lab.rule("Down", ON, hold="0s"))
    receiver.until("firing", "Down")
    lab.put_rules(server, lab.rule("Down", ON, hold="0s"), lab.rule("Slow", ON, hold="0s"))
    await_true(
        lambda: any(one["status"]["inhibitedBy"] for one in lab.held(alertmanager)),
        "one is inhibited",
    )
    assert receiver.count("firing", "Slow") == 0
    lab.put_rules(server, "groups: []\n")


def test_the_panel_silences_inhibits_and_lets_all_through(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    panel = lab.alerts(server, alertmanager, receiver, watch=False)
    assert panel.put(lab.rule("Machine", ON, hold="0s"))
    panel.holding.go.click()
    panel.refresh()
    assert "wants two alerts" in panel.notice.value
    lab.put_rules(server, lab.rule("Machine", ON, hold="0s"), lab.rule("Model", ON, hold="0s"))
    await_true(lambda: states(panel).keys() == {"Machine", "Model"}, "both are held, and no other")
    assert (panel.holding.source.value, panel.holding.target.value) == ("Machine", "Model")
    panel.holding.go.click()
    assert panel.strip is not None
    assert 'alertname = "Model"' in panel.strip.text
    inhibited = {"Machine": ("delivered", ""), "Model": ("kept back", "inhibition")}
    await_true(lambda: states(panel) == inhibited, "one is inhibited")
    panel.holding.mute.click()
    assert "silenced: Machine, Model" in plain(panel.status.value)
    await_true(lambda: states(panel)["Machine"] == ("kept back", "silence"), "it is silenced")
    panel.holding.free.click()
    through = dict.fromkeys(inhibited, ("delivered", ""))
    await_true(lambda: states(panel) == through, "nothing is kept back")
    panel.close()
    lab.put_rules(server, "groups: []\n")


def test_no_alert_inhibits_itself(server: Server, alertmanager: Server) -> None:
    with pytest.raises(UsageError, match="name two"):
        lab.inhibit(alertmanager, "Down", "Down")
    with pytest.raises(UsageError, match="Alertmanager"):
        lab.inhibit(server, "Down", "Slow")


def test_a_lost_alertmanager_is_one_message_and_the_panel_goes_on(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    panel = lab.alerts(server, alertmanager, receiver, watch=False)
    alertmanager.kill()
    await_true(lambda: alertmanager.state == "exited", "it is seen to have ended")
    panel.refresh()
    assert panel.status.state == "failed"
    assert "restart()" in panel.notice.value
    alertmanager.restart()
    lab.put_rules(server, lab.rule("Again", ON, hold="0s"))
    await_true(lambda: lab.held(alertmanager), "it holds an alert again")
    panel.refresh()
    assert panel.status.state == "done"
    panel.close()
    lab.put_rules(server, "groups: []\n")
