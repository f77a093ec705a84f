"""A client process that reads batches and does nothing else; run as a script of its own.

It speaks the protocol by itself and only counts the bytes that come back, so that it costs the
machine little, and is not held up by the Python of the notebook. It says `ready`, waits for a
line, reads until its time is over, and prints how many batches it got.
"""

from __future__ import annotations

import json
import socket
import sys
import time

END = b"END\r\n"


def batch(keys: int) -> bytes:
    """Return the one command that asks for this many keys."""
    return b"get " + b" ".join(key(number).encode() for number in range(keys)) + b"\r\n"


def key(number: int) -> str:
    """Name the keys that are read."""
    return f"batch:{number}"


def main(host: str, port: str, keys: str, seconds: str) -> None:
    """Read batches for some seconds."""
    command, room = batch(int(keys)), bytearray(1 << 20)
    with socket.create_connection((host, int(port))) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        size = _first(server, command)
        print("ready", flush=True)
        sys.stdin.readline()
        begun, count = time.monotonic(), 0
        while time.monotonic() - begun < float(seconds):
            server.sendall(command)
            _take(server, room, size)
            count += 1
        print(json.dumps({"batches": count, "seconds": time.monotonic() - begun}))


def _first(server: socket.socket, command: bytes) -> int:
    """Read one answer to its end, to know how long all of them are."""
    server.sendall(command)
    answer = b""
    while not answer.endswith(END):
        words = server.recv(1 << 20)
        _require(len(words))
        answer += words
    return len(answer)


def _take(server: socket.socket, room: bytearray, size: int) -> None:
    while size > 0:
        taken = server.recv_into(room)
        _require(taken)
        size -= taken


def _require(taken: int) -> None:
    if not taken:
        raise ConnectionResetError("The server closed the connection.")


if __name__ == "__main__":
    main(*sys.argv[1:])
