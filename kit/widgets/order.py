"""The order in which the kernel handles what the page tells it."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any


@cache
def keep() -> None:
    """Have messages of several widgets handled in the order in which the page sent them.

    ipykernel 7.4 hands a widget's messages to whichever loop last wrote to that widget, not to the
    one that the page names (ipykernel.comm.comm.BaseComm._reply_subshell_for). A click then
    overtakes the text that was typed before it, by as long as the cell runs that holds the text
    back. As in the releases before 7.4 the page is taken at its word.
    """
    module: Any = sys.modules.get("ipykernel.comm.comm")
    if hasattr(getattr(module, "BaseComm", None), "_reply_subshell_for"):
        module.BaseComm._reply_subshell_for = lambda _comm, _data, named: named
