"""A small HTTP server inside the notebook, at an address that Prometheus reaches."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Reply(NamedTuple):
    """What is answered: a status, the type of the content, and the content."""

    status: int
    kind: str
    content: bytes


Answering = Callable[[str, str, bytes], Reply]
"""Called with method, path and body, in a thread of the request's own."""


class Web:
    """Answer HTTP requests until it is closed.

    `host` is where the asking server finds this machine (`server.notebook`). Nobody outside this
    machine is listened to.
    """

    def __init__(self, answering: Answering, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._server = _Server((_bound(host), port), _handler(answering))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="kit-web", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """Return host and port as a scrape configuration names them."""
        return f"{self._host}:{self.port}"

    @property
    def here(self) -> str:
        """Return the address for programs on this machine."""
        return f"http://{self._server.server_address[0]!s}:{self.port}"

    def close(self) -> None:
        """Stop listening; closing twice is no error."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A restarted program gets its port back at once.
    allow_reuse_address = True
    request_queue_size = 128


def _bound(host: str) -> str:
    """Return the address to listen on: a name stands for this machine as a container sees it."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "127.0.0.1"


def _handler(answering: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Keep the requests out of the notebook."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = answering(self.command, self.path, body)
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)
            except ConnectionError:
                # Whoever asked has gone.
                self.close_connection = True

    return Handler
