"""The process backend: real servers as local processes."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from kit import databases
from kit.databases.base import Database, Site, at_port
from kit.databases.endpoint import Endpoint
from kit.errors import NoSpace, PortTaken, ServerDied, ServerGone
from kit.launch import account, choice, files, ports, ready, spare, template
from kit.launch.instance import Message
from kit.launch.lease import Lease
from kit.launch.request import Progress, Request
from kit.launch.site import site_for
from kit.launch.spawn import spell
from kit.launch.template import Order
from kit.launch.watch import LOG, Watch, tail

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
        spawned = self._lease.call("spawn", id=identity, again=True)["instance"]
        database, endpoint = databases.get(facts["database"]), Endpoint(**facts["endpoint"])
        watch = Watch(self._lease, identity, self._directory, database, endpoint.password)
        wait = ready.Wait(database.title, time.monotonic() + timeout, watch.check)
        wait.until(lambda: ports.check_ours(endpoint.port, self._directory, spawned["pid"]))
        wait.until(lambda: database.introduce(endpoint))
        self._lease.call("publish", id=identity, facts=facts)

    def stop(self) -> None:
        with suppress(ServerGone):
            self._lease.call("stop", id=self._instance["id"])
        self._gone = True

    def kill(self) -> None:
        self._lease.call("end", id=self._instance["id"], number=int(signal.SIGKILL))

    def read(self, name: str) -> str:
        return (self._directory / name).read_text()

    def write(self, name: str, text: str) -> None:
        who = account.for_database(databases.get(self.facts()["database"]))
        files.replace(self._directory, name, text, who)

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


def bring_up(request: Request, lease: Lease, instance: Message, progress: Progress) -> Message:
    """Start the server that `instance` reserves a name for, and return its facts."""
    database, directory = request.database, Path(instance["directory"])
    who = account.for_database(database)
    deadline = time.monotonic() + request.timeout
    order = Order(database, choice.find(database, request.version), who, deadline)
    account.check_reach(directory, who)
    _check_space(database, directory)
    site = site_for(request, directory, ports.choose(request.port))
    start = _Start(request, lease, instance["id"], order, progress)
    site = start.lay_out(site)
    for _ in range(_ATTEMPTS):
        try:
            return start.run(site)
        except PortTaken:
            if request.port:
                raise ports.taken(request.port) from None
            site = at_port(site, ports.choose(0))
        except ServerDied:
            if not start.mendable:
                raise
            site = start.mend(site)
        (directory / LOG).unlink(missing_ok=True)
    raise ports.taken(site.port)


class _Start:
    """The steps of one start, all to be done by the same deadline."""

    def __init__(
        self, request: Request, lease: Lease, identity: str, order: Order, progress: Progress
    ) -> None:
        self._request = request
        self._database = request.database
        self._lease = lease
        self._identity = identity
        self._order = order
        self._progress = progress
        self._admitted = False
        self._mended = False

    def lay_out(self, site: Site) -> Site:
        """Create the data directory; return the site, with the password that the data may hold."""
        secret = self._take_spare(site.data)
        if secret is None:
            self._create(site)
        self._admitted = bool(secret)
        return replace(site, password=secret) if secret else site

    def _take_spare(self, data: Path) -> str | None:
        database = self._database
        # What holds a password already is of no use to a server that is told its own.
        told = self._request.secret and database.admits_ahead
        return spare.take(self._order, data) if spare.wanted(database) and not told else None

    def _create(self, site: Site) -> None:
        if self._database.templated:
            template.provide(self._order, site, self._progress)
        else:
            site.data.mkdir(mode=0o700)
            account.give(site.data, self._order.who)

    def run(self, site: Site) -> Message:
        """Run the server until it has answered, and return its facts."""
        database, port, program = self._database, site.port, self._order.program
        command = database.command(program, site)
        files.put_all(site.directory, command.files, self._order.who)
        self._progress(f"Starting {program.product} {program.version}")
        spelled = spell(command, site, self._order.who)
        spawned = self._lease.call("spawn", id=self._identity, command=spelled)["instance"]
        watch = Watch(self._lease, self._identity, site.directory, database, site.password)
        endpoint = database.endpoint("127.0.0.1", port, site.password)
        wait = ready.Wait(database.title, self._order.deadline, watch.check)
        self._progress("Waiting for its first answer")
        wait.until(lambda: ports.check_ours(port, site.directory, spawned["pid"]))
        if not self._admitted:
            wait.until(lambda: database.admit(site))
        product, version = wait.until(lambda: database.introduce(endpoint))
        if spare.wanted(database):
            self._lease.call("prepare", argv=spare.command(self._order, self._lease.home))
        return {
            "database": database.name,
            "product": product,
            "version": version or program.version,
            "endpoint": asdict(endpoint),
            "port": port,
        }

    @property
    def mendable(self) -> bool:
        """Tell whether damaged data, kept from before, may be why the server died."""
        kept = self._database.templated or self._admitted
        return kept and not self._mended and not self._request.settings

    def mend(self, site: Site) -> Site:
        """Lay the data out anew, once."""
        self._mended = True
        spare.forget(self._order)
        template.forget(self._order)
        shutil.rmtree(site.data)
        return self.lay_out(site)


def _check_space(database: Database, directory: Path) -> None:
    free = shutil.disk_usage(directory).free // 1024**2
    if free < database.minimum_free_mb:
        raise NoSpace(
            f"{database.title} needs {database.minimum_free_mb} MB of disk; {free} MB are free. "
            "Free some space, or name another directory: export KIT_HOME=/path/with/space"
        )
