"""Start a server, or attach to the one that has the name."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from kit.errors import EngineMissing, ImageMissing, ServerGone, StartTimeout
from kit.launch import external, lease, process
from kit.launch.instance import Message
from kit.launch.request import Progress, Request, read
from kit.launch.server import Control, Server


def start(database: str, **options: Any) -> Server:
    """Start `database`, or attach to the running server of that name.

    Options: name, backend, version, durable, keep, timeout (seconds), port, url, settings (the
    server's own), progress (called with a short text at each step). Raise UsageError,
    MissingError or StartError, each with the next command to type.
    """
    progress: Progress = options.pop("progress", None) or (lambda _: None)
    request = read(database, options)
    if request.url or request.backend == "external":
        return external.attach(request)
    if request.backend == "auto" and external.address(request):
        return external.attach(request)
    return _share(request, progress)


def running() -> list[Server]:
    """Return a handle to every server that runs on this machine for this user."""
    if not lease.supervised():
        return []
    held = lease.current()
    found = held.call("list")["instances"]
    return [_handle(held, instance) for instance in found if instance["state"] != "starting"]


def _share(request: Request, progress: Progress) -> Server:
    held = lease.current()
    backend = request.backend if request.backend != "auto" else _choose(request)
    deadline = time.monotonic() + request.timeout
    while True:
        answer = held.claim(
            name=request.name, backend=backend, asked=request.asked(), keep=request.keep
        )
        instance = answer["instance"]
        if answer["claim"] == "yours":
            return _bring_up(request, held, instance, progress)
        _agree(request, held, instance)
        if answer["claim"] != "starting":
            return _attach(request, held, instance)
        if time.monotonic() > deadline:
            raise StartTimeout(
                f"Another notebook has been starting {request.name!r} for {request.timeout:.0f} s. "
                f"See what it is doing, or end it: kit logs {request.name}, kit down {request.name}"
            )
        progress("Waiting for another notebook to start it")
        time.sleep(0.02)


def _agree(request: Request, held: lease.Lease, instance: Message) -> None:
    try:
        request.agree(instance)
    except Exception:
        held.call("release", id=instance["id"], client=held.client)
        raise


def _attach(request: Request, held: lease.Lease, instance: Message) -> Server:
    server = _handle(held, instance)
    if instance["state"] == "exited":
        server.restart(timeout=request.timeout)
    return server


def _bring_up(request: Request, held: lease.Lease, instance: Message, progress: Progress) -> Server:
    try:
        facts = _backend(instance["backend"]).bring_up(request, held, instance, progress)
        answer = held.call("publish", id=instance["id"], facts=facts)
    except BaseException as error:
        _abandon(held, instance)
        image_lacks = isinstance(error, (ImageMissing, EngineMissing))
        if image_lacks and request.backend == "auto" and request.database.programs():
            return _share(_as_process(request), progress)
        raise
    return _handle(held, answer["instance"])


def _abandon(held: lease.Lease, instance: Message) -> None:
    with suppress(ServerGone):
        held.call("stop", id=instance["id"])


def _as_process(request: Request) -> Request:
    from dataclasses import replace

    return replace(request, backend="process")


def _choose(request: Request) -> str:
    from kit.launch import engine

    return "container" if engine.answers() else "process"


def _backend(name: str) -> Any:
    if name == "process":
        return process
    from kit.launch import container

    return container


def _handle(held: lease.Lease, instance: Message) -> Server:
    control: Control
    if instance["backend"] == "process":
        control = process.ProcessControl(held, instance)
    else:
        from kit.launch.container import ContainerControl

        control = ContainerControl(held, instance)
    return Server(control, name=instance["name"], backend=instance["backend"])
