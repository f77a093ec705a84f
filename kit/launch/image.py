"""The image a container is made from: its name, and how it gets onto this machine."""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from kit.databases.base import Database
from kit.errors import ImageMissing, NoSpace
from kit.launch import engine
from kit.launch.request import Progress

_SILENCE = 90.0
_CAUSES = {
    r"toomanyrequests|rate limit": "The registry wants fewer requests from this network",
    r"not found|manifest unknown|denied|unauthorized": "The registry does not give it out",
    r"no such host|dial tcp|time.?out|refused|unreachable|proxy|tls|eof|sent nothing": (
        "The registry cannot be reached"
    ),
}
_MB = 1_000_000


def name(database: Database, version: str | None) -> str:
    """Return the image to run: KIT_<NAME>_IMAGE or the pinned one, `version` replacing its tag."""
    chosen = os.environ.get(variable(database)) or database.image
    if version is None:
        return chosen
    repository, tag = split(chosen)
    # Prometheus's tags begin with a letter that its versions do not have.
    prefix = "v" if tag.startswith("v") and version[:1].isdigit() else ""
    return f"{repository}:{prefix}{version}"


def variable(database: Database) -> str:
    """Return the variable that names another image, for a class-room's own registry."""
    return f"KIT_{database.name.upper()}_IMAGE"


def split(image: str) -> tuple[str, str]:
    """Split an image's name into repository and tag; a port in the registry's name is no tag."""
    plain = image.partition("@")[0]
    repository, colon, tag = plain.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (plain, "")


def provide(client: Any, image: str, database: Database, progress: Progress) -> None:
    """Fetch the image unless it is here; raise ImageMissing or NoSpace, with what to type.

    Fetching may take as long as it makes progress: it ends after 90 s in which nothing came.
    """
    from docker.errors import ImageNotFound

    with suppress(ImageNotFound):
        client.images.get(image)
        return
    progress(f"Fetching {image}")
    layers = Layers()
    for event in _fetch(client, image):
        if "error" in event:
            raise _missing(client, image, database, str(event["error"]))
        layers.note(event)
        progress(f"Fetching {image}{layers}")


class Layers:
    """How far the layers of an image have come."""

    def __init__(self) -> None:
        self._sizes: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def note(self, event: dict[str, Any]) -> None:
        """Take in one report of the engine."""
        layer, status = event.get("id", ""), event.get("status", "")
        if status == "Pulling fs layer":
            self._sizes.setdefault(layer, (0, 0))
        elif status == "Downloading":
            detail = event.get("progressDetail") or {}
            self._sizes[layer] = (detail.get("current", 0), detail.get("total", 0))
        elif status in {"Pull complete", "Already exists"}:
            self._sizes.setdefault(layer, (0, 0))
            self._done.add(layer)

    def __str__(self) -> str:
        if not self._sizes:
            return ""
        come, total = (sum(sizes) // _MB for sizes in zip(*self._sizes.values(), strict=True))
        amount = f", {come} of {total} MB" if total else ""
        return f": {len(self._done)} of {len(self._sizes)} layers{amount}"


def _fetch(client: Any, image: str) -> Iterator[dict[str, Any]]:
    """Yield the engine's reports; a failure becomes the last of them."""
    reports: queue.Queue[dict[str, Any] | None] = queue.Queue()
    # The library waits for the next report without end, so another thread does the waiting.
    threading.Thread(
        target=_pull, args=(client, image, reports), name="kit-pull", daemon=True
    ).start()
    while True:
        try:
            report = reports.get(timeout=_SILENCE)
        except queue.Empty:
            report = {"error": f"the registry sent nothing for {_SILENCE:.0f} s"}
        if report is None:
            return
        yield report
        if "error" in report:
            return


def _pull(client: Any, image: str, reports: queue.Queue[dict[str, Any] | None]) -> None:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        for report in client.api.pull(image, stream=True, decode=True):
            reports.put(report)
    except (DockerException, RequestException, OSError) as error:
        reports.put({"error": getattr(error, "explanation", None) or str(error)})
    reports.put(None)


def _missing(client: Any, image: str, database: Database, reason: str) -> ImageMissing | NoSpace:
    said = engine.first_line(reason)
    if engine.lacks_space(reason):
        return NoSpace(
            f"The container engine found no space for the image {image}: {said}. "
            "Free some: docker system df, docker image prune"
        )
    causes = (cause for sign, cause in _CAUSES.items() if re.search(sign, reason, re.IGNORECASE))
    cause = next(causes, "The registry failed")
    known = _at_hand(client, image)
    here = f"On this machine is {known}: export {variable(database)}={known}. " if known else ""
    return ImageMissing(
        f"The image {image} is not on this machine and could not be fetched. {cause}: {said}. "
        f"{here}Try again where there is a network (docker pull {image}), name an image of your "
        f"own (export {variable(database)}=...), or use a local process: "
        f'kit.start("{database.name}", backend="process")'
    )


def _at_hand(client: Any, image: str) -> str:
    """Return another image of the same repository that is here, or nothing."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with suppress(DockerException, RequestException):
        for found in client.images.list(name=split(image)[0]):
            for tag in found.tags:
                return str(tag)
    return ""
