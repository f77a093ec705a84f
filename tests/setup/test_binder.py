"""What Binder's own builder makes of binder/: rendered by repo2docker, which needs no engine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Binder's user and place: repo2docker, app.py, Repo2Docker.
ARGUMENTS = {"NB_USER": "jovyan", "NB_UID": "1000", "REPO_DIR": "${HOME}"}


@pytest.fixture(scope="module")
def dockerfile() -> str:
    """Render the repository as Binder does: the first kind of build that recognises it is taken."""
    app = pytest.importorskip("repo2docker.app").Repo2Docker()
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        kinds = (kind(base_image=app.base_image) for kind in app.buildpacks)
        build = next(kind for kind in kinds if kind.detect())
        build.platform = "linux/amd64"
        assert type(build).__name__ == "CondaBuildPack"
        return str(build.render(ARGUMENTS))
    finally:
        os.chdir(before)


def place(dockerfile: str, pattern: str) -> int:
    (found,) = re.finditer(pattern, dockerfile, re.MULTILINE)
    return found.start()


def test_binder_installs_every_package_of_the_list(dockerfile: str) -> None:
    asked = (ROOT / "binder/apt.txt").read_text().split()
    lines = re.findall(r"^apt-get install --yes --no-install-recommends (.*?) &&", dockerfile, re.M)
    assert [sorted(line.split()) for line in lines] == [sorted(asked)]


def test_binder_builds_in_the_order_that_the_files_rely_on(dockerfile: str) -> None:
    steps = (
        r"^apt-get install .* memcached ",
        r"env update .*--file \"binder/environment\.yml\"",
        r"^COPY .* src/ \$\{REPO_DIR\}/",
        r"^RUN \./binder/postBuild$",
        r"^ENV R2D_ENTRYPOINT=.*binder/start",
    )
    places = [place(dockerfile, step) for step in steps]
    assert places == sorted(places)


def test_the_lessons_are_built_by_the_learner_and_not_by_root(dockerfile: str) -> None:
    before = dockerfile[: place(dockerfile, r"^RUN \./binder/postBuild$")]
    assert re.findall(r"^USER (.*)$", before, re.MULTILINE)[-1] == "${NB_USER}"


def test_binder_takes_the_python_that_the_environment_asks_for(dockerfile: str) -> None:
    environment = yaml.safe_load((ROOT / "binder/environment.yml").read_text())
    (python,) = (
        one for one in environment["dependencies"] if isinstance(one, str) and "python=" in one
    )
    version = python.partition("=")[2]
    assert f"environment-2epy-2d{version.replace('.', '-2e')}-2dlinux" in dockerfile


def test_what_binder_starts_runs_with_the_kits_settings() -> None:
    program = ["sh", "-c", "echo $KIT_BACKEND $0", "given on"]
    said = subprocess.run(
        [ROOT / "binder/start", *program], capture_output=True, text=True, check=True
    )
    assert said.stdout == "process given on\n"
