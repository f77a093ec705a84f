"""Where a DynamoDB address leads, and as whom: at home any keys will do, at AWS only one's own."""

from __future__ import annotations

from typing import Any

import pytest

from kit.databases.dynamodb import DATABASE

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
