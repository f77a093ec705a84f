"""A proxy that the environment names is never asked for a server on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from kit import databases
from kit.launch import proxies

STARTING = """
import sys
import requests
import kit
from kit import databases

kind = databases.get(sys.argv[1])
with kit.start(sys.argv[1], backend="process") as server:
    client = server.connect()
    assert kind.recall(client, kind.remember(client))
    kind.close(client)
    try:
        requests.get(f"http://127.0.0.1:{server.port}", timeout=5)
    except requests.exceptions.ProxyError:
        raise
    except requests.exceptions.RequestException:
        # Most of them do not speak HTTP, which the driver above has been told.
        pass
"""


class Proxy:
    """Count who comes, and send everybody away."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1
            visitor.close()

    def close(self) -> None:
        """Let nobody in any more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Give a proxy that helps nobody."""
    opened = Proxy()
    yield opened
    opened.close()


@pytest.mark.parametrize("spelled", [str.lower, str.upper])
@pytest.mark.parametrize("name", databases.names())
def test_a_server_is_started_and_used_past_a_proxy(
    name: str, spelled: Callable[[str], str], proxy: Proxy
) -> None:
    variables = ("http_proxy", "https_proxy", "all_proxy")
    clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment = clean | {spelled(variable): proxy.address for variable in variables}
    done = subprocess.run(
        [sys.executable, "-c", STARTING, name],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    assert proxy.asked == 0


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        ("", "127.0.0.1,localhost"),
        ("example.org, 127.0.0.1", "example.org,127.0.0.1,localhost"),
        ("localhost,127.0.0.1", "localhost,127.0.0.1"),
        ("*", "*"),
    ],
)
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_machines_that_were_listed_stay_listed(
    listed: str, wanted: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for spelled in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(spelled, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv(name, listed)
    proxies.bypass()
    assert os.environ[name] == wanted


def test_without_a_proxy_nothing_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [key for key in os.environ if "proxy" in key.lower()]:
        monkeypatch.delenv(variable)
    before = dict(os.environ)
    proxies.bypass()
    assert dict(os.environ) == before
