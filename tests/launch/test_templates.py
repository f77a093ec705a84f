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
from psycopg import OperationalError

from kit import databases
from kit.launch.archive import pack, unpack
from kit.launch.start import start
from tests.traces import await_true

CREATING = "once on this machine"
STARTING = """
import sys
from kit.launch.start import start

start(sys.argv[1], name=sys.argv[2], backend="process", progress=print).stop()
"""


def _files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if path.is_file() and path.stat().st_size)


def _remove_a_file(data: Path) -> None:
    _files(data)[0].unlink()


def _truncate_a_file(data: Path) -> None:
    os.truncate(_files(data)[-1], 1)


def _remove_all(data: Path) -> None:
    shutil.rmtree(data)


def _change_the_owner(data: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give files away")
    os.chown(data, 12345, 12345)


def _blank_all(data: Path) -> None:
    """Keep every size and lose every byte, as a file system may when the power goes."""
    for path in _files(data):
        path.write_bytes(bytes(path.stat().st_size))


DAMAGES = [_remove_a_file, _truncate_a_file, _remove_all, _change_the_owner]


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
    _change_the_owner,
    *map(_repack, [_remove_a_file, _truncate_a_file, _change_the_owner, _blank_all]),
]


@pytest.fixture(scope="module")
def made(home: Path) -> Path:
    """Give a template of PostgreSQL from a cache that no other test fills."""
    cache = home / "cache"
    cache.mkdir(mode=0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_CACHE", str(cache))
        start("postgresql", backend="process").stop()
    (found,) = cache.glob("postgresql-*/manifest.json")
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
def spare(template: Path) -> Path:
    """Give the template's spare copy."""
    copy = template.with_name(f"{template.name}.spare")
    unpack(template / "data.tar", copy)
    return copy


def _steps() -> str:
    """Start and stop PostgreSQL; return what it said meanwhile."""
    said: list[str] = []
    start("postgresql", backend="process", progress=said.append).stop()
    return ", ".join(said)


def test_a_sound_template_is_used(template: Path) -> None:
    assert CREATING not in _steps()


def test_a_sound_spare_copy_is_used_up_and_replaced(template: Path, spare: Path) -> None:
    before = spare.stat().st_ino
    assert CREATING not in _steps()
    await_true(lambda: spare.exists() and spare.stat().st_ino != before, "a new spare copy")


@pytest.mark.parametrize("damage", SPOILT)
def test_a_damaged_template_is_made_anew(template: Path, damage: Callable[[Path], None]) -> None:
    damage(template / "data.tar")
    assert CREATING in _steps()
    assert CREATING not in _steps()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_spare_copy_is_not_used(
    template: Path, spare: Path, damage: Callable[[Path], None]
) -> None:
    damage(spare)
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


def test_two_that_find_no_template_make_one(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = own_home / "cache"
    monkeypatch.setenv("KIT_CACHE", str(cache))
    begun = [
        subprocess.Popen([sys.executable, "-c", STARTING, "postgresql", name], stdout=PIPE)
        for name in ("one", "two")
    ]
    said = [process.communicate()[0].decode() for process in begun]
    assert [process.returncode for process in begun] == [0, 0]
    assert sum(CREATING in words for words in said) == 1
    assert len(list(cache.glob("*/manifest.json"))) == 1


def test_each_copy_has_a_password_of_its_own(own_home: Path) -> None:
    kind = databases.get("postgresql")
    with (
        start("postgresql", backend="process") as one,
        start("postgresql", backend="process", name="two") as two,
    ):
        assert one.password != two.password
        with pytest.raises(OperationalError, match="password authentication failed"):
            kind.connect(kind.endpoint("127.0.0.1", two.port, one.password))
