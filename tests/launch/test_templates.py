"""A damaged, foreign or half-made template is made anew, and never trusted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE

import pytest

from kit.launch.archive import pack, unpack
from kit.launch.start import start
from tests.launch.damages import blank_all, change_the_owner, remove_a_file, truncate_a_file
from tests.mongod import answering

CREATING = "once on this machine"
STARTING = """
import sys
from kit.launch.start import start

start(sys.argv[1], name=sys.argv[2], backend="process", progress=print).stop()
"""


def _remove_the_archive(archive: Path) -> None:
    archive.unlink()


def _truncate_the_archive(archive: Path) -> None:
    os.truncate(archive, archive.stat().st_size // 2)


def _repack(damage: Callable[[Path], None]) -> Callable[[Path], None]:
    """Damage what an archive holds, so that it is unpacked without a complaint."""

    def spoil(archive: Path) -> None:
        folder = archive.with_name("unpacked")
        unpack(archive, folder)
        damage(folder)
        pack(folder, archive)
        shutil.rmtree(folder)

    spoil.__name__ = f"{damage.__name__}_in_it"
    return spoil


SPOILT = [
    _remove_the_archive,
    _truncate_the_archive,
    change_the_owner,
    *map(_repack, [remove_a_file, truncate_a_file, change_the_owner, blank_all]),
]


@pytest.fixture(scope="module")
def made(home: Path) -> Path:
    """Give a template of PostgreSQL from a cache that no other test fills."""
    cache = home / "cache"
    cache.mkdir(mode=0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_CACHE", str(cache))
        start("postgresql", backend="process").stop()
    (found,) = cache.glob("postgresql-*/data.tar")
    return found.parent


@pytest.fixture
def template(made: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a template in a cache of the test's own."""
    cache = own_home / "cache"
    cache.mkdir(mode=0o711)
    monkeypatch.setenv("KIT_CACHE", str(cache))
    subprocess.run(["cp", "-a", str(made), str(cache)], check=True)
    return cache / made.name


@pytest.fixture
def empty(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a cache of the test's own that is still to be made."""
    cache = own_home / "cache"
    monkeypatch.setenv("KIT_CACHE", str(cache))
    return cache


def _steps() -> str:
    """Start and stop PostgreSQL; return what it said meanwhile."""
    said: list[str] = []
    start("postgresql", backend="process", progress=said.append).stop()
    return ", ".join(said)


def test_a_sound_template_is_used(template: Path) -> None:
    assert CREATING not in _steps()


@pytest.mark.parametrize("damage", SPOILT)
def test_a_damaged_template_is_made_anew(template: Path, damage: Callable[[Path], None]) -> None:
    damage(template / "data.tar")
    assert CREATING in _steps()
    assert CREATING not in _steps()


@pytest.mark.parametrize("text", ["{", '{"files": 1, "bytes": 1}'])
def test_a_template_without_a_true_manifest_is_made_anew(template: Path, text: str) -> None:
    manifest = template / "manifest.json"
    manifest.write_text(text)
    assert CREATING in _steps()
    assert json.loads(manifest.read_text())["files"] > 100


def test_what_a_killed_builder_left_is_removed(template: Path) -> None:
    remains = template.rename(template.with_name(f"{template.name}.building"))
    assert CREATING in _steps()
    assert template.exists()
    assert not remains.exists()


def test_a_new_template_takes_the_place_of_what_was_made_long_ago(template: Path) -> None:
    young, old, foreign = (
        template.with_name(name)
        for name in ("postgresql-postgresql-14.1-a", "postgresql-postgresql-14.1-b", "mysql-a")
    )
    for folder in (young, old, foreign):
        folder.mkdir()
    for folder in (old, foreign):
        os.utime(folder, (0, 0))
    shutil.rmtree(template)
    assert CREATING in _steps()
    assert [folder.exists() for folder in (young, old, foreign)] == [True, False, True]


def test_a_template_serves_a_start_with_other_settings_than_made_it(empty: Path) -> None:
    with answering("SecantusDB"):
        for settings in ({"sync-on-commit": "off"}, {}):
            start("mongodb", backend="process", settings=settings).stop()
    assert len(list(empty.glob("*/data.tar"))) == 1


def test_two_that_find_no_template_make_one(empty: Path) -> None:
    begun = [
        subprocess.Popen([sys.executable, "-c", STARTING, "postgresql", name], stdout=PIPE)
        for name in ("one", "two")
    ]
    said = [process.communicate()[0].decode() for process in begun]
    assert [process.returncode for process in begun] == [0, 0]
    assert sum(CREATING in words for words in said) == 1
    assert len(list(empty.glob("*/data.tar"))) == 1
