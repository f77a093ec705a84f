"""The servers' packages: installed without waking a service; a report names what will work."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from binder import servers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def install_packages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "binder")
    return importlib.import_module("install_packages")


def test_every_lesson_finds_its_packages_in_the_list() -> None:
    listed = (ROOT / "binder/apt.txt").read_text().split()
    assert {name for lesson in servers.LESSONS.values() for name in lesson.packages} <= set(listed)


def test_set_up_and_kit_speak_of_the_same_lessons() -> None:
    databases = importlib.import_module("kit.databases")
    assert {each.title for each in databases.everything()} == set(servers.LESSONS)


def test_services_wake_up_again_when_an_installation_fails(
    install_packages: ModuleType, tmp_path: Path
) -> None:
    policy = tmp_path / "policy-rc.d"
    with pytest.raises(KeyboardInterrupt), install_packages.services_asleep(policy):
        assert subprocess.run([policy], check=False).returncode == 101
        raise KeyboardInterrupt
    assert not policy.exists()


def test_a_policy_that_the_machine_has_is_left_alone(
    install_packages: ModuleType, tmp_path: Path
) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    with install_packages.services_asleep(policy):
        assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert policy.exists()


def test_a_policy_that_a_killed_set_up_left_is_taken_away(
    install_packages: ModuleType, tmp_path: Path
) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text(install_packages.POLICY_TEXT)
    with install_packages.services_asleep(policy):
        pass
    assert not policy.exists()


def test_without_servers_the_report_names_the_lessons_that_work(bare_machine: Path) -> None:
    lines = servers.report().splitlines()
    assert lines[0] == "These lessons will work: PostgreSQL, MongoDB, DynamoDB."
    assert lines[1].startswith("These lack a server: MySQL, Redis, Memcached, InfluxDB, Prometheus")
    assert "brew install mariadb redis memcached influxdb@1 prometheus" in lines[2]
    assert "conda env create -f environment.yml" in lines[3]
    assert "Docker" in lines[4]


def test_where_apt_is_but_no_root_the_report_says_what_root_types(bare_machine: Path) -> None:
    (bare_machine / "apt-get").symlink_to("/bin/true")
    packages = "mariadb-server-core mariadb-client-core redis-server memcached influxdb prometheus"
    assert f"sudo python3 binder/install_packages.py {packages} " in servers.report()


def test_with_a_container_engine_the_report_promises_containers(bare_machine: Path) -> None:
    (bare_machine / "docker").symlink_to("/bin/true")
    assert servers.report().endswith("InfluxDB, Prometheus will run in containers.")


def test_a_server_that_came_from_elsewhere_needs_no_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(servers, "installed", lambda *_: set())
    monkeypatch.setattr(servers.shutil, "which", lambda *_, **__: "/usr/bin/apt-get")
    monkeypatch.setattr(servers, "find_program", lambda name: name if name == "mysqld" else None)
    assert servers.missing_packages(["mariadb-server-core", "memcached"]) == ["memcached"]
