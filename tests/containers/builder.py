"""Images laid over a root file system of Debian packages, built on an engine once for all runs."""

from __future__ import annotations

import fcntl
import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from docker.errors import APIError
from packaging.requirements import Requirement

from tests.containers import root

LABEL = "kit.test"
# The registry that this names is not there, so nobody else's image is ever fetched instead.
_REPOSITORY = "localhost/kit-test"
_SCRIPTS = Path(__file__).with_name("entrypoints")
# Scripts, byte code, and the descriptions of four hundred other services of AWS.
_UNUSED = re.compile(r"\.\./|__pycache__|^(botocore|boto3)/data/(?!dynamodb(?:streams)?/)[^/]+/")


@dataclass(frozen=True)
class Base:
    """A root file system that several images share."""

    name: str
    suite: str
    packages: tuple[str, ...]

    @property
    def tag(self) -> str:
        source = Path(root.__file__).read_bytes()
        return f"{_REPOSITORY}/{self.name}:{_digest(repr(self).encode(), source)}"


@dataclass(frozen=True)
class Recipe:
    """How one stand-in differs from its base, in the words of a Dockerfile."""

    base: Base
    lines: tuple[str, ...]
    scripts: tuple[tuple[str, str], ...] = ()
    stop: str = "SIGTERM"
    libraries: tuple[str, ...] = ()


def provide(client: Any, name: str, recipe: Recipe, folder: Path) -> str:
    """Return the image that a recipe makes, built if need be, or raise root.Unavailable."""
    scripts = [(_SCRIPTS / source).read_bytes() for source, _ in recipe.scripts]
    versions = [f"{one.name} {one.version}" for one in _closure(recipe)]
    digest = _digest(
        recipe.base.tag.encode(), repr((recipe, versions, _UNUSED.pattern)).encode(), *scripts
    )
    what = f"{Requirement(recipe.libraries[0]).name.lower()}-" if recipe.libraries else ""
    tag = f"{_REPOSITORY}/{name}:{what}{digest}"
    with _locked(folder):
        if not client.images.list(tag):
            python = _provide_base(client, recipe.base, folder)
            _commit(client, recipe, python, tag)
            _forget_older(client, tag)
    return tag


def remove(client: Any) -> None:
    """Remove the images that these tests built."""
    for image in client.images.list(filters={"label": LABEL}):
        for tag in image.tags:
            client.images.remove(tag, force=True)


def _provide_base(client: Any, base: Base, folder: Path) -> str:
    found = client.images.list(base.tag)
    if found:
        return str(found[0].labels["python"])
    suite = root.Suite(folder / base.name, base.suite)
    archives = suite.download(base.packages)
    target = suite.folder / "root.tar"
    try:
        root.write(target, archives)
        python = root.python_of(archives)
        repository, _, tag = base.tag.rpartition(":")
        with open(target, "rb") as data:
            client.api.import_image_from_data(
                data, repository, tag, changes=[f"LABEL {LABEL}=image python={python}"]
            )
    finally:
        target.unlink(missing_ok=True)
    _forget_older(client, base.tag)
    return python


def _commit(client: Any, recipe: Recipe, python: str, tag: str) -> None:
    """Lay the recipe's files over its base: a Dockerfile's COPY takes four times as long."""
    made = client.containers.create(
        recipe.base.tag, ["never"], labels={LABEL: "image"}, stop_signal=recipe.stop
    )
    try:
        made.put_archive("/", _files(recipe, python))
        repository, _, version = tag.rpartition(":")
        made.commit(repository, version, changes="\n".join(recipe.lines))
    finally:
        made.remove(v=True)


def _forget_older(client: Any, tag: str) -> None:
    for image in client.images.list(tag.rpartition(":")[0]):
        for other in image.tags:
            # A container of another test run may still need it.
            with suppress(APIError):
                if other != tag:
                    client.images.remove(other)


def _files(recipe: Recipe, python: str) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as out:
        for source, target in recipe.scripts:
            _add(out, target, (_SCRIPTS / source).read_bytes(), mode=0o755)
        for path, found in _libraries(recipe, python):
            target = f"usr/local/lib/python{python}/dist-packages/{path}"
            # Byte code is only believed beside a source of its own age.
            _add(out, target, found.read_bytes(), age=int(found.stat().st_mtime))
    packed.seek(0)
    return packed


def _libraries(recipe: Recipe, python: str) -> Iterator[tuple[str, Path]]:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if recipe.libraries and python != here:
        raise root.Unavailable(
            f"{recipe.libraries[0]} is installed for Python {here}, and this system's is {python}"
        )
    for one in _closure(recipe):
        for path in one.files or []:
            if _UNUSED.search(str(path)):
                continue
            found = Path(str(path.locate()))
            yield str(path), found
            # Without its byte code, moto takes eight seconds to load.
            code = Path(cache_from_source(str(found)))
            if path.suffix == ".py" and code.exists():
                yield str(path.parent / "__pycache__" / code.name), code


def _closure(recipe: Recipe) -> list[Distribution]:
    """List the installed distributions of the recipe's libraries and of all that they need."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(library) for library in recipe.libraries]
    while waiting:
        wanted = waiting.pop()
        one = distribution(wanted.name)
        if wanted.name in found:
            continue
        found[wanted.name] = one
        for line in one.requires or []:
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if not needed.marker or any(needed.marker.evaluate({"extra": x}) for x in extras):
                waiting.append(needed)
    return [found[name] for name in sorted(found)]


def _add(
    out: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644, age: int = 0
) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), mode, age
    out.addfile(member, io.BytesIO(content))


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "images.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
