"""Which server program is run, where a machine has several."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kit import databases
from kit.databases import programs
from kit.doctor import doctor
from kit.errors import ServerMissing
from kit.launch.choice import find, within_reach
from tests.mongod import PRODUCTS, answering


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_program_that_a_variable_names_is_the_one_that_is_run(product: str) -> None:
    mongodb = databases.get("mongodb")
    with answering(product):
        assert find(mongodb, None).product == product
        assert {program.product for program in programs.choose(mongodb)} == {product}
        (said,) = [found.server for found in doctor().findings if found.database is mongodb]
        assert product in said or said == mongodb.image


@pytest.mark.parametrize("named", ["/nowhere/mongod", "mongod", sys.prefix])
def test_a_named_program_that_does_not_run_is_refused_and_no_other_takes_its_place(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_MONGODB_PROGRAM", named)
    with pytest.raises(ServerMissing, match=r"KIT_MONGODB_PROGRAM names .*whole path"):
        find(databases.get("mongodb"), None)


def test_a_jar_is_named_by_the_same_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jar, java = tmp_path / "DynamoDBLocal.jar", tmp_path / "java"
    jar.touch()
    java.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"'\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("KIT_DYNAMODB_PROGRAM", str(jar))
    assert [found.path for found in programs.choose(databases.get("dynamodb"))] == [jar]


@pytest.mark.skipif(os.getuid() != 0, reason="only root runs a server as somebody else")
def test_a_program_in_a_folder_that_is_closed_to_the_servers_account_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    postgresql, closed = databases.get("postgresql"), tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("postgres", "initdb"):
        (closed / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n")
        (closed / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(closed), prepend=":")
    assert "99.1" in {program.version for program in programs.choose(postgresql)}
    assert "99.1" not in {program.version for program in within_reach(postgresql)}
    with pytest.raises(ServerMissing, match=r"99\.1 refuses .*is closed to the account"):
        find(postgresql, "99")


def test_a_program_that_cannot_be_loaded_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "mongod"
    broken.write_text("#!/bin/sh\necho 'error while loading libcurl.so.4.8' >&2; exit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("KIT_MONGODB_PROGRAM", str(broken))
    with pytest.raises(ServerMissing, match="no MongoDB server that runs here"):
        find(databases.get("mongodb"), None)
