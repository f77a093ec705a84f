"""The one small process that starts servers and ends them when nobody holds a lease.

A lease is an open connection: it closes when its kernel ends, however it ends. The supervisor holds
a lock while it lives; whoever gets the lock next removes what an earlier one left. The locked file
names its process: SIGTERM makes it end all servers and go.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from kit.launch import leftovers, paths
from kit.launch.children import Children
from kit.launch.chores import Chores
from kit.launch.instance import Instance, Message, send

_IDLE = 5.0
_LINE_LIMIT = 4 * 1024 * 1024


class Supervisor:
    """Serve requests over a Unix socket until there is nothing left to look after."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._instances: dict[str, Instance] = {}
        self._clients: dict[str, asyncio.StreamWriter] = {}
        self._abandoned: set[str] = set()
        self._children = Children()
        self._finished = asyncio.Event()
        self._idle: asyncio.TimerHandle | None = None
        self._chores = Chores(home, self._children, self._starting)
        self._tasks: set[asyncio.Task[object]] = set()

    async def serve(self) -> None:
        """Run until idle."""
        loop = asyncio.get_running_loop()
        self._children.watch(loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._finished.set)
        path = paths.socket_path(self._home)
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._answer, path, limit=_LINE_LIMIT)
        self._look_idle()
        await self._finished.wait()
        path.unlink(missing_ok=True)
        server.close()
        endings = (self._dispose(found) for found in list(self._instances.values()))
        await asyncio.gather(*endings, self._chores.end(), return_exceptions=True)
        leftovers.empty_trash(self._home)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            message = json.loads(line) if line else {"op": ""}
            if self._finished.is_set():
                # Unanswered, the client turns to the next supervisor.
                return
            if message["op"] == "lease":
                await self._hold(message["client"], reader, writer)
            elif message["op"]:
                await send(writer, await self._perform(message))
        except (ConnectionError, ValueError):
            pass
        finally:
            writer.close()
            self._look_idle()

    async def _perform(self, message: Message) -> Message:
        operations: dict[str, Callable[..., Coroutine[Any, Any, Message]]] = {
            "claim": self._claim,
            "attach": self._attach,
            "abandon": self._abandon,
            "spawn": self._spawn,
            "publish": self._publish,
            "show": self._show,
            "list": self._list,
            "prepare": self._prepare,
            "end": self._end_one,
            "stop": self._dispose,
        }
        operation = operations[message.pop("op")]
        if "id" in message:
            instance = self._instances.get(message.pop("id"))
            if instance is None or instance.ending:
                return {"error": "gone"}
            message["instance"] = instance
        try:
            return await operation(**message)
        except OSError as error:
            return {"error": "system", "text": str(error.strerror), "errno": error.errno}

    async def _hold(
        self, client: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._clients[client] = writer
        await send(writer, {"event": "held", "id": ""})
        try:
            await reader.read()
        finally:
            if self._clients.get(client) is writer:
                del self._clients[client]
                for instance in list(self._instances.values()):
                    self._let_go(instance, client)

    async def _claim(
        self, client: str, identity: str, name: str, backend: str, asked: Message
    ) -> Message:
        if identity in self._abandoned:
            return {"error": "gone"}
        if client not in self._clients:
            return {"claim": "unheld"}
        for instance in self._instances.values():
            if instance.name == name and not instance.ending:
                claim = "yours" if instance.id == identity else instance.state
                return {"claim": claim, "instance": instance.describe()}
        self._chores.put_off()
        directory = self._home / paths.SERVERS / identity
        instance = Instance(identity, name, backend, asked, directory, client)
        instance.reserve()
        self._instances[identity] = instance
        return {"claim": "yours", "instance": instance.describe()}

    async def _attach(self, instance: Instance, client: str, keep: bool) -> Message:
        if client not in self._clients:
            return {"error": "gone"}
        self._lend(instance, client, keep)
        return {"instance": instance.describe()}

    async def _abandon(self, identity: str) -> Message:
        # Sent after its claim, on another connection, it may still be read before it.
        self._abandoned.add(identity)
        instance = self._instances.get(identity)
        if instance and instance.state == "starting":
            await self._dispose(instance)
        return {}

    async def _spawn(
        self, instance: Instance, command: Message | None = None, again: bool = False
    ) -> Message:
        async with instance.turn:
            if again:
                await instance.end(instance.command["stop"])
            if instance.ending:
                return {"error": "gone"}
            if not instance.alive:
                self._launch(instance, command or instance.command)
        return {"instance": instance.describe()}

    def _launch(self, instance: Instance, command: Message) -> None:
        instance.command = command
        with open(instance.directory / "log", "ab") as log:
            ending = partial(self._note_end, instance)
            process = self._children.start(command, instance.directory, log.fileno(), ending)
        instance.begin(process)

    async def _publish(self, instance: Instance, facts: Message, keep: bool = False) -> Message:
        first = instance.state == "starting"
        instance.facts = facts
        gone = instance.process is not None and not instance.alive
        self._change(instance, "exited" if gone else "running")
        if first:
            self._lend(instance, instance.owner, keep)
        return {"instance": instance.describe()}

    async def _show(self, instance: Instance) -> Message:
        return {"instance": instance.describe()}

    async def _list(self) -> Message:
        found = [one.describe() for one in self._instances.values() if not one.ending]
        return {"instances": found}

    async def _prepare(self, argv: list[str]) -> Message:
        self._chores.make_ready(argv)
        return {}

    async def _end_one(self, instance: Instance, number: int | None = None) -> Message:
        async with instance.turn:
            await instance.end(number or instance.command["stop"])
        return {"instance": instance.describe()}

    def _lend(self, instance: Instance, client: str, keep: bool) -> None:
        instance.keep = instance.keep or keep
        instance.leases.add(client)
        # A client may have gone while its request was under way.
        if client not in self._clients:
            self._let_go(instance, client)

    def _let_go(self, instance: Instance, client: str) -> None:
        instance.leases.discard(client)
        orphaned = instance.state == "starting" and instance.owner == client
        if (orphaned or instance.unused) and not instance.ending:
            instance.ending = True
            self._later(self._dispose(instance))

    async def _dispose(self, instance: Instance) -> Message:
        instance.ending = True
        await instance.end(instance.command.get("quit", signal.SIGKILL))
        if instance.backend == "container":
            await self._children.run(leftovers.removal(instance.id))
        if self._instances.pop(instance.id, None):
            leftovers.discard(self._home, instance.directory)
            self._change(instance, "stopped")
        self._chores.tidy()
        self._look_idle()
        return {}

    def _starting(self) -> bool:
        return any(instance.state == "starting" for instance in self._instances.values())

    def _note_end(self, instance: Instance, code: int) -> None:
        instance.code = code
        if instance.state == "running":
            self._change(instance, "exited")
        instance.ended.set()

    def _change(self, instance: Instance, state: str) -> None:
        instance.state = state
        for writer in self._clients.values():
            self._later(send(writer, {"event": state, "id": instance.id}))

    def _later(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _look_idle(self) -> None:
        if self._idle:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self._instances and not self._clients:
            self._finished.set()
