"""What is installed: the lock, the conda environments and the package lists agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from binder import render

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
TESTS_LOCK = (ROOT / "tests/requirements.lock").read_text()
PROMISED = {
    "influxdb",
    "ipython-sql",
    "ipywidgets",
    "jupyterlab",
    "nbval",
    "papermill",
    "prometheus-api-client",
    "pymongo",
    "redis",
    "sqlalchemy",
    "testcontainers",
}


def locked() -> dict[str, list[str]]:
    versions = defaultdict(list)
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.MULTILINE):
        versions[name].append(version)
    return versions


def environment(path: str) -> tuple[list[str], list[str]]:
    """Return what conda and what pip install."""
    *conda, last = yaml.safe_load((ROOT / path).read_text())["dependencies"]
    return conda, last["pip"]


def test_the_lock_satisfies_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = sum(project["optional-dependencies"].values(), project["dependencies"])
    for requirement in map(Requirement, asked):
        versions = locked()[canonicalize_name(requirement.name)]
        assert versions, requirement
        assert all(requirement.specifier.contains(each, prereleases=True) for each in versions)


@pytest.mark.parametrize("lock", [LOCK, TESTS_LOCK])
def test_every_pin_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=\S)", lock.strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_address() -> None:
    assert not re.search(r"\w+://|^-", LOCK, re.MULTILINE)


@pytest.mark.parametrize("path", ["environment.yml", "binder/environment.yml"])
def test_an_environment_names_every_package_that_was_promised(path: str) -> None:
    _, pip = environment(path)
    assert {Requirement(line).name for line in pip if line != "-e ."} >= PROMISED


def test_what_only_tests_install_reaches_no_learner() -> None:
    names = set(re.findall(r"^[\w.-]+(?===)", TESTS_LOCK, re.MULTILINE))
    assert names
    assert names.isdisjoint(locked())
    assert names.isdisjoint(
        Requirement(line).name for line in environment("environment.yml")[1][:-1]
    )


def test_binder_builds_the_environment_that_is_used_by_hand() -> None:
    conda, pip = environment("environment.yml")
    assert pip[-1] == "-e ."
    assert environment("binder/environment.yml") == (conda, pip[:-1])


def test_what_is_rendered_follows_what_it_is_rendered_from() -> None:
    assert render.main(ROOT, check=True) == 0


def test_an_environment_that_drifted_is_told_and_then_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "binder").mkdir()
    for path in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / path, tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    newer = re.sub(r"^jupyterlab==\S+", "jupyterlab==99.0", LOCK, flags=re.MULTILINE)
    (tmp_path / "requirements.lock").write_text(newer)
    for path in ("environment.yml", "binder/environment.yml"):
        shutil.copy(ROOT / path, tmp_path / path)
    assert render.main(tmp_path, check=True) == 1
    assert "make sync" in capsys.readouterr().out
    assert "99.0" not in (tmp_path / "environment.yml").read_text()
    assert render.main(tmp_path, check=False) == 0
    assert "jupyterlab==99.0" in (tmp_path / "binder/environment.yml").read_text()
    assert render.main(tmp_path, check=True) == 0


@pytest.mark.parametrize("path", ["binder/apt.txt", "tests/apt.txt", "tests/engine.txt"])
def test_a_package_list_has_one_name_a_line(path: str) -> None:
    lines = (ROOT / path).read_text().splitlines()
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", line) for line in lines)
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("path", [".ci/run", "binder/postBuild"])
def test_a_script_stops_at_its_first_failure(path: str) -> None:
    script = ROOT / path
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/bash\nset -euo pipefail\n")
    subprocess.run(["bash", "-n", script], check=True)
