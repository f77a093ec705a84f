"""Where a DynamoDB address leads, and as whom: at home any keys will do, at AWS only one's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.databases.dynamodb import DATABASE

ROOT = Path(__file__).resolve().parents[3]
AWS = "dynamodb.eu-west-1.amazonaws.com"


def opened(url: str, **options: Any) -> Any:
    found = DATABASE.connect(DATABASE.parse(url), **options)
    return found.meta.client if hasattr(found.meta, "client") else found


def keys(client: Any) -> tuple[str, str, str | None] | None:
    found = client._request_signer._credentials
    return None if found is None else tuple(found.get_frozen_credentials())[:3]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the credentials of whoever runs the tests, and keep boto3 from searching further."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")


@pytest.mark.parametrize(
    ("url", "endpoint", "region"),
    [
        ("http://localhost:8000", "http://localhost:8000", "us-east-1"),
        ("http://localhost:8000?region=eu-west-1", "http://localhost:8000", "eu-west-1"),
        (f"https://{AWS}", f"https://{AWS}:443", "eu-west-1"),
        (f"https://{AWS}:8443", f"https://{AWS}:8443", "eu-west-1"),
        (f"https://{AWS}?region=eu-west-3", f"https://{AWS}:443", "eu-west-3"),
    ],
)
def test_an_address_names_its_region_or_may_be_given_one(
    url: str, endpoint: str, region: str
) -> None:
    client = opened(url)
    assert (client.meta.endpoint_url, client.meta.region_name) == (endpoint, region)


def test_a_local_server_takes_any_keys_and_aws_gets_none_that_were_made_up() -> None:
    assert keys(opened("http://localhost:8000")) == ("kit", "kit", None)
    assert keys(opened(f"https://{AWS}")) is None


def test_keys_and_a_session_s_token_may_stand_in_the_address() -> None:
    url = f"https://AKIA:se%2Fcret@{AWS}?session_token=to%2Bken"
    assert keys(opened(url)) == ("AKIA", "se/cret", "to+ken")


def test_keys_in_the_environment_are_found_as_boto3_always_finds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert keys(opened(f"https://{AWS}")) == ("mine", "secret", None)


def test_streams_have_an_address_of_their_own_at_aws_alone() -> None:
    away = opened(f"https://{AWS}", service="dynamodbstreams")
    home = opened("http://localhost:8000", service="dynamodbstreams")
    assert away.meta.endpoint_url == f"https://streams.{AWS}:443"
    assert home.meta.endpoint_url == "http://localhost:8000"


_LOOPBACK_ONLY = """
import ipaddress, sys

def hook(event, args):
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
            raise SystemExit(f"it called {address[0]}")
    if event == "socket.getaddrinfo" and args[0] not in ("127.0.0.1", "localhost", "::1"):
        raise SystemExit(f"it looked up {args[0]!r}")

sys.addaudithook(hook)
import kit
from kit.labs import dynamodb

with kit.start("dynamodb", name="home") as server:
    dynamodb.writers(server).close()
    dynamodb.calculator().close()
    dynamodb.scaling().close()
    event = {"id": "1", "model": "m"}
    dynamodb.hotkeys(server, [event], [dynamodb.KeyChoice(("model",))]).close()
    question = dynamodb.Pattern("all of a model", {"model": "m"})
    dynamodb.designer(server, [event], [question], partition="id").close()
    dynamodb.meter(server, "kit_designer").close()
    kit.start("dynamodb", url=server.url).connect().meta.client.list_tables()
print("stayed at home")
"""


def test_no_call_leaves_the_machine_without_an_address(home: Path) -> None:
    # Credentials from the environment would spare boto3 the search that could leave the machine.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", _LOOPBACK_ONLY],
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stayed at home" in done.stdout
