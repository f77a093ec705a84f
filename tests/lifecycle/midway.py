"""A server that is stopped in the middle of its start."""

from __future__ import annotations

import psutil

from kit.launch import lease
from kit.launch.instance import Message
from tests.traces import await_true

SLOW = "dynamodb"
"""Takes most of a second to start, and is one process."""


def _instance(name: str) -> Message | None:
    found: list[Message] = lease.current().call("list")["instances"]
    return next((one for one in found if one["name"] == name), None)


def stopped_in_mid_start(name: str) -> psutil.Process:
    """Wait until the server's process runs, and stop it before it can answer."""
    await_true(lambda: (_instance(name) or {}).get("pid"), f"{name} is starting")
    instance = _instance(name)
    assert instance
    process = psutil.Process(instance["pid"])
    process.suspend()
    assert instance["state"] == "starting"
    return process
