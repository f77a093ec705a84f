"""A plugin that has nbval fail a cell whenever the kernel says that it failed.

nbval looks for an error among a cell's outputs. A magic that is not there only prints a
line, so the cell passes although the kernel's reply says "error".
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Listen to the kernel's replies while a cell runs."""
    kernel: Any = getattr(item.parent, "kernel", None)
    cell: Any = item
    replies: list[str] = []
    heard = kernel.get_message

    def listen(stream: str, timeout: float | None = None) -> Any:
        message = heard(stream, timeout=timeout)
        if message["msg_type"] == "execute_reply":
            replies.append(message["content"]["status"])
        return message

    kernel.get_message = listen
    try:
        result = yield
    finally:
        kernel.get_message = heard
    if "error" in replies and not cell.options["check_exception"]:
        cell.raise_cell_error("The cell failed, without an error among its outputs")
    return result
