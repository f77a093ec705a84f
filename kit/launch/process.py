"""The process backend: real servers as local processes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from kit import databases
from kit.databases.base import Command, Database, Endpoint, Program, Site, at_port
from kit.errors import NoSpace, PortTaken, ServerDied, ServerGone, ServerMissing
from kit.launch import account, ports, ready, template
from kit.launch.instance import Message
from kit.launch.lease import Lease
from kit.launch.request import Progress, Request, matches

_PORT_TAKEN = re.compile(r"address already in use|port.*(already )?in use", re.IGNORECASE)
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_ATTEMPTS = 3


class ProcessControl:
    """Reach a server process through the supervisor."""

    def __init__(self, lease: Lease, instance: Message) -> None:
        self._lease = lease
        self._instance = instance
        self._gone = False
        lease.listen(instance["id"], self._note)

    def state(self) -> str:
        if self._gone:
            return "stopped"
        try:
            return str(self._refresh()["state"])
        except ServerGone:
            self._gone = True
            return "stopped"

    def facts(self) -> Message:
        facts: Message = self._instance["facts"]
        return facts

    def logs(self, lines: int) -> str:
        return tail(self._directory, lines)

    def restart(self, timeout: float) -> None:
        identity, facts = self._instance["id"], self.facts()
        self._lease.call("end", id=identity)
        self._lease.call("spawn", id=identity)
        database, endpoint = databases.get(facts["database"]), Endpoint(**facts["endpoint"])
        watch = Watch(self._lease, identity, self._directory, database, endpoint.password)
        wait = ready.Wait(database.title, time.monotonic() + timeout, watch.check)
        wait.until(lambda: ports.check_open(endpoint.port))
        wait.until(lambda: ready.introduce(database, endpoint))
        self._lease.call("publish", id=identity, facts=facts)

    def stop(self) -> None:
        with suppress(ServerGone):
            self._lease.call("stop", id=self._instance["id"])
        self._gone = True

    def kill(self) -> None:
        self._lease.call("end", id=self._instance["id"], number=int(signal.SIGKILL))

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        return self._lease.listen(self._instance["id"], listener)

    @property
    def _directory(self) -> Path:
        return Path(self._instance["directory"])

    def _refresh(self) -> Message:
        self._instance = self._lease.call("show", id=self._instance["id"])["instance"]
        return self._instance

    def _note(self, state: str) -> None:
        self._gone = self._gone or state == "stopped"


class Watch:
    """Notice at once that a server died while it was starting."""

    def __init__(
        self, lease: Lease, identity: str, directory: Path, database: Database, secret: str
    ) -> None:
        self._lease = lease
        self._identity = identity
        self._directory = directory
        self._database = database
        self._secret = secret

    def check(self) -> None:
        """Raise PortTaken, NoSpace or ServerDied if the process has ended."""
        shown = self._lease.call("show", id=self._identity)["instance"]
        if shown["code"] is None:
            return
        log = tail(self._directory, 12)
        log = log.replace(self._secret, "***") if self._secret else log
        if _PORT_TAKEN.search(log):
            raise PortTaken(f"{self._database.title} found its port taken:\n{log}")
        if _NO_SPACE.search(log):
            raise NoSpace(
                f"{self._database.title} found no space on the disk:\n{log}\n"
                "Free some space, or name another directory: export KIT_HOME=/path/with/space"
            )
        raise ServerDied(
            f"{self._database.title} ended while it was starting (exit code {shown['code']}). "
            f"Check the settings= that you gave it. What it said last:\n{log}"
        )


def find(database: Database, version: str | None) -> Program:
    """Return the program to run; raise ServerMissing with what to type to get it."""
    programs = database.programs()
    for program in programs:
        if matches(program.version, version):
            return program
    if programs:
        here = ", ".join(f"{found.product} {found.version}" for found in programs)
        raise ServerMissing(
            f"{database.title} {version} is not on this machine; {here} is. "
            'Leave version= out, or use a container: kit.start(..., backend="container")'
        )
    raise ServerMissing(
        f"{database.title} is not installed on this machine. Install it: {how_to_install(database)}"
    )


def how_to_install(database: Database) -> str:
    """Spell the ways to install the database's server, the shortest first."""
    spelled = {
        "apt": "sudo apt-get install {}",
        "conda": "conda install -c conda-forge {}",
        "brew": "brew install {}",
        "pip": "pip install '{}'",
    }
    ways = [spelled[way].format(what) for way, what in database.install.items()]
    return "  or  ".join([*ways, "make setup"])


def bring_up(request: Request, lease: Lease, instance: Message, progress: Progress) -> Message:
    """Start the server that `instance` reserves a name for, and return its facts."""
    database = request.database
    program = find(database, request.version)
    directory = Path(instance["directory"])
    _check_space(database, directory)
    site = Site(
        directory=directory,
        port=ports.choose(request.port),
        password=_password(),
        durable=request.durable,
        settings=request.settings,
    )
    _lay_out(database, program, site, progress)
    for attempt in range(_ATTEMPTS):
        try:
            return _start(request, lease, instance, program, site, progress)
        except PortTaken:
            if request.port or attempt == _ATTEMPTS - 1:
                raise ports.taken(site.port) from None
            site = at_port(site, ports.choose(0))
    raise AssertionError("the last attempt returns or raises")


def tail(directory: Path, lines: int) -> str:
    """Return the last lines of a server's log."""
    try:
        with open(directory / "log", "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 400 * lines))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _start(
    request: Request,
    lease: Lease,
    instance: Message,
    program: Program,
    site: Site,
    progress: Progress,
) -> Message:
    database, identity = request.database, instance["id"]
    deadline = time.monotonic() + request.timeout
    command = database.command(program, site)
    who = account.for_database(database)
    _write_files(command, site, who)
    progress(f"Starting {program.product} {program.version}")
    lease.call("spawn", id=identity, command=_spell(command, site, who))
    watch = Watch(lease, identity, site.directory, database, site.password)
    endpoint = database.endpoint("127.0.0.1", site.port, site.password)
    wait = ready.Wait(database.title, deadline, watch.check)
    progress("Waiting for its first answer")
    wait.until(lambda: ports.check_open(site.port))
    wait.until(lambda: database.admit(site))
    product, version = wait.until(lambda: ready.introduce(database, endpoint))
    if database.templated:
        lease.call("prepare", argv=template.spare_command(database, program))
    return {
        "database": database.name,
        "product": product,
        "version": version or program.version,
        "endpoint": asdict(endpoint),
        "port": site.port,
    }


def _lay_out(database: Database, program: Program, site: Site, progress: Progress) -> None:
    who = account.for_database(database)
    if database.templated:
        template.provide(database, program, site.data, who, progress)
    else:
        site.data.mkdir(mode=0o700)
        account.give(site.data, who)


def _write_files(command: Command, site: Site, who: account.Account | None) -> None:
    for name, text in command.files.items():
        path = site.directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        account.give(path, who)


def _spell(command: Command, site: Site, who: account.Account | None) -> Message:
    base = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(site.directory),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    return {
        "argv": list(command.argv),
        "env": base | dict(command.env),
        "stop": int(command.stop),
        "quit": int(command.quit),
        "account": [who.uid, who.gid] if who else None,
    }


def _check_space(database: Database, directory: Path) -> None:
    free = shutil.disk_usage(directory).free // 1024**2
    if free < database.minimum_free_mb:
        raise NoSpace(
            f"{database.title} needs {database.minimum_free_mb} MB of disk; {free} MB are free. "
            "Free some space, or name another directory: export KIT_HOME=/path/with/space"
        )


def _password() -> str:
    import secrets

    return secrets.token_hex(16)
