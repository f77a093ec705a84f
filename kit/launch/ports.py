"""Ports on the loopback interface."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from kit.errors import PortTaken
from kit.launch import processes

_LISTENING = "0A"


def choose(asked: int) -> int:
    """Return a free port, or the one asked for; raise PortTaken if it is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", asked))
        except (OSError, OverflowError):
            raise taken(asked) from None
        port: int = probe.getsockname()[1]
        return port


def taken(port: int) -> PortTaken:
    """Describe a port that another program has."""
    return PortTaken(
        f"Port {port} is in use by another program or not allowed. Leave port= out and the kit "
        f"finds a free one, or see who has it: ss -ltnp | grep {port}"
    )


def check_open(port: int) -> None:
    """Raise OSError unless something accepts connections on the port."""
    socket.create_connection(("127.0.0.1", port), timeout=1).close()


def check_ours(port: int, directory: Path, main: int) -> None:
    """Raise OSError unless the server that lives in `directory` accepts connections on the port.

    `main` is its main process, which most often listens itself: to find the others takes longer.
    """
    check_open(port)
    if not (_listen([main], port) or _listen(processes.inside(directory), port)):
        raise ConnectionRefusedError(f"another program listens on port {port}")


def _listen(pids: Iterable[int], port: int) -> bool:
    """Tell whether one of the processes listens on the port; what cannot be seen is trusted."""
    if sys.platform != "linux":
        return any(_listens_elsewhere(pid, port) for pid in pids)
    try:
        held = {name for pid in pids for name in processes.open_files(pid)}
    except PermissionError:
        return True
    return not held.isdisjoint(_listeners(port))


def _listeners(port: int) -> Iterator[str]:
    """Name the sockets that listen on a port, as the kernel does in its table.

    It lists them before the thousands that a busy machine is about to forget (proc_net_tcp(5)).
    """
    with open("/proc/net/tcp") as table:
        for fields in map(str.split, table):
            if fields[3] == _LISTENING and fields[1].endswith(f":{port:04X}"):
                yield f"socket:[{fields[9]}]"


def _listens_elsewhere(pid: int, port: int) -> bool:
    import psutil

    try:
        found = psutil.Process(pid).net_connections("tcp4")
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)
