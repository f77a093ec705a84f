"""Text files of a server's own, on this machine or inside a container."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from kit.launch import account


def put(path: Path, text: str, who: account.Account | None) -> None:
    """Write a file so that the server alone can read it."""
    path.touch(mode=0o600)
    path.write_text(text)
    account.give(path, who)


def put_all(directory: Path, texts: Mapping[str, str], who: account.Account | None) -> None:
    """Write several files into a server's directory, by their names."""
    for name, text in texts.items():
        replace(directory, name, text, who)


def replace(directory: Path, name: str, text: str, who: account.Account | None) -> None:
    """Replace a file below a server's directory, whole or not at all: it may be read any time."""
    path = directory / name
    for parent in reversed(PurePosixPath(name).parents[:-1]):
        (directory / parent).mkdir(mode=0o700, exist_ok=True)
        account.give(directory / parent, who)
    draft = path.with_name(f".{path.name}.draft")
    put(draft, text, who)
    draft.replace(path)


def fetch(container: Any, path: str) -> str:
    """Return the text of a file in a container; raise FileNotFoundError where there is none."""
    from docker.errors import NotFound

    try:
        pieces, _ = container.get_archive(path)
    except NotFound:
        raise FileNotFoundError(path) from None
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        found = archive.extractfile(archive.getmembers()[0])
        return found.read().decode() if found else ""


def send(container: Any, path: str, text: str) -> None:
    """Write a file that everyone in a container may read, and the folders on its way."""
    folders = list(PurePosixPath(path).parents)[-2::-1]
    container.put_archive("/", pack({path: text}, mode=0o644, folders=folders))


def pack(texts: Mapping[str, str], *, mode: int, folders: Sequence[PurePosixPath] = ()) -> bytes:
    """Pack files, by their paths in a container, into an archive; `folders` are made before."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder in folders:
            tar.addfile(_entry(str(folder), tarfile.DIRTYPE, 0o755))
        for path, text in texts.items():
            content = text.encode()
            tar.addfile(_entry(path, tarfile.REGTYPE, mode, len(content)), io.BytesIO(content))
    return packed.getvalue()


def _entry(path: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(path.lstrip("/"))
    made.type, made.mode, made.size = kind, mode, size
    return made
