"""A real Jupyter kernel that a test runs cells in, interrupts, restarts and kills."""

from __future__ import annotations

import ast
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

_CELL_TAKES = 90.0
_STARTS = "import kit, os, sys\n"


class CellError(Exception):
    """A cell raised; the message begins with the name of what it raised."""


class Kernel:
    """One kernel and the client that speaks to it."""

    def __init__(self) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(extra_arguments=["--HistoryManager.hist_file=:memory:"])
        self._client: BlockingKernelClient = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=_CELL_TAKES)
        self.run(_STARTS)

    @property
    def pid(self) -> int:
        """The kernel's process."""
        provisioner: Any = self._manager.provisioner
        return int(provisioner.pid)

    def run(self, code: str, value: str = "None") -> Any:
        """Run a cell to its end and give the literal value of an expression."""
        while True:
            try:
                return self.finish(self.begin(code, value))
            except CellError as error:
                # For a moment after an interrupt, the kernel answers so whatever is asked.
                if not str(error).startswith("aborted"):
                    raise

    def begin(self, code: str, value: str = "None") -> str:
        """Run a cell without waiting for it."""
        identity: str = self._client.execute(code, user_expressions={"value": value})
        return identity

    def finish(self, identity: str) -> Any:
        """Wait for a cell; raise CellError if it raised."""
        while True:
            reply = self._client.get_shell_msg(timeout=_CELL_TAKES)
            if reply["parent_header"].get("msg_id") == identity:
                break
        content = reply["content"]
        if content["status"] != "ok":
            raise CellError(f"{content.get('ename', content['status'])}: {content.get('evalue')}")
        answer = content["user_expressions"]["value"]
        if answer["status"] != "ok":
            raise CellError(f"{answer['ename']}: {answer['evalue']}")
        return ast.literal_eval(answer["data"]["text/plain"])

    def start(self, database: str, *, name: str | None = None, **options: Any) -> int:
        """Start a server in this kernel under the variable `server`; give its port."""
        cell, value = starting(database, name=name, **options)
        port: int = self.run(cell, value)
        return port

    def interrupt(self) -> None:
        """Press the Interrupt button."""
        self._manager.interrupt_kernel()

    def restart(self) -> None:
        """Press the Restart button."""
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(timeout=_CELL_TAKES)
        self.run(_STARTS)

    def kill(self) -> None:
        """End the kernel as the system does when memory runs out."""
        process = psutil.Process(self.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(_CELL_TAKES)

    def close(self) -> None:
        """Shut the kernel down, whatever is left of it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def starting(database: str, **options: Any) -> tuple[str, str]:
    """Spell a cell that starts a server, and the expression for its port."""
    spelled = {"backend": "process", **options}
    arguments = ", ".join(f"{key}={value!r}" for key, value in spelled.items())
    return f"server = kit.start({database!r}, {arguments})", "server.port"


@contextmanager
def kernels(count: int) -> Iterator[list[Kernel]]:
    """Start kernels, and end those that are left."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            kernel = Kernel()
            stack.callback(kernel.close)
            found.append(kernel)
        yield found
