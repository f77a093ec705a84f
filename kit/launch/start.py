"""Start a server, or attach to the one that has the name."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from kit.errors import EngineMissing, ImageMissing, ServerGone, StartTimeout
from kit.launch import choice, external, lease, paths, process, proxies
from kit.launch.instance import Message
from kit.launch.request import Progress, Request, read
from kit.launch.server import Control, Server

_POLL = 0.02


def start(database: str, **options: Any) -> Server:
    """Start `database`, or attach to the running server of that name.

    Options: name, backend, version, durable, keep, timeout (seconds), port, url, settings (the
    server's own), own (never one that KIT_<NAME>_URL names, which others may use), progress
    (called with a short text at each step). Raise UsageError,
    MissingError or StartError, each with the next command to type.
    """
    progress: Progress = options.pop("progress", None) or (lambda _: None)
    request = read(database, options)
    if external.wanted(request):
        return external.attach(request)
    return obtain(request, progress)


def obtain(request: Request, progress: Progress) -> Server:
    """Start a server of the kit's own, or attach to the one that has the name."""
    proxies.bypass()
    try:
        return _share(request, progress)
    except OSError as error:
        raise paths.failure(paths.home(), error) from None


def running() -> list[Server]:
    """Return a handle to every server that runs on this machine for this user."""
    if not lease.supervised():
        return []
    proxies.bypass()
    held = lease.current()
    found = held.call("list")["instances"]
    return [_handle(held, instance) for instance in found if instance["state"] != "starting"]


def _share(request: Request, progress: Progress) -> Server:
    held = lease.current()
    # Chosen here, the identity is known even if the answer to the claim never arrives.
    identity = uuid4().hex[:8]
    try:
        return _obtain(request, held, identity, progress)
    except (ImageMissing, EngineMissing):
        held.abandon(identity)
        if request.backend != "auto" or not choice.within_reach(request.database):
            raise
        return _share(replace(request, backend="process"), progress)
    except BaseException:
        held.abandon(identity)
        raise


def _obtain(request: Request, held: lease.Lease, identity: str, progress: Progress) -> Server:
    backend = request.backend if request.backend != "auto" else _choose()
    deadline = time.monotonic() + request.timeout
    while True:
        answer = held.claim(
            identity=identity, name=request.name, backend=backend, asked=request.asked()
        )
        if answer["claim"] == "yours":
            return _bring_up(request, held, answer["instance"], progress)
        if answer["claim"] != "starting":
            request.agree(answer["instance"])
            with suppress(ServerGone):
                return _attach(request, held, answer["instance"])
        if time.monotonic() > deadline:
            raise StartTimeout(
                f"Another notebook has been starting {request.name!r} for {request.timeout:.0f} s. "
                "Restart that notebook's kernel, or give yours a name of its own: "
                f'kit.start("{request.database.name}", name="{request.name}-2")'
            )
        progress("Waiting for another notebook to start it")
        time.sleep(_POLL)


def _attach(request: Request, held: lease.Lease, found: Message) -> Server:
    answer = held.call("attach", id=found["id"], client=held.client, keep=request.keep)
    server = _handle(held, answer["instance"])
    if answer["instance"]["state"] == "exited":
        server.restart(timeout=request.timeout)
    return server


def _bring_up(request: Request, held: lease.Lease, instance: Message, progress: Progress) -> Server:
    facts = _backend(instance["backend"]).bring_up(request, held, instance, progress)
    answer = held.call("publish", id=instance["id"], facts=facts, keep=request.keep)
    return _handle(held, answer["instance"])


def _choose() -> str:
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
