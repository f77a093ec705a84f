"""Ports on the loopback interface."""

from __future__ import annotations

import socket
from pathlib import Path

from kit.errors import PortTaken
from kit.launch import processes


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


def check_ours(port: int, directory: Path) -> None:
    """Raise OSError unless the server that lives in `directory` accepts connections on the port."""
    check_open(port)
    if not any(_listens(pid, port) for pid in processes.inside(directory)):
        raise ConnectionRefusedError(f"another program listens on port {port}")


def _listens(pid: int, port: int) -> bool:
    import psutil

    try:
        found = psutil.Process(pid).net_connections("tcp4")
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        # What cannot be seen is taken on trust.
        return True
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)
