"""What survives a crash: the same writes under five policies, each server killed in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kit.errors import UnknownName
from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.writers import Writers, is_prefix, surviving
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.table import Grid, Table

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["POLICIES", "Outcome", "Persistence", "crash", "panel"]


@dataclass(frozen=True)
class Policy:
    """How Redis keeps its data: its settings, and what the documentation promises for them."""

    title: str
    settings: Mapping[str, str]
    promise: str


_AOF = {"save": '""', "appendonly": "yes"}
_PROMISED = "a power cut costs about a second"
POLICIES = {
    "none": Policy("nothing", {"save": '""', "appendonly": "no"}, "nothing is kept"),
    "rdb": Policy(
        "RDB, one snapshot half-way",
        {"save": '""', "appendonly": "no"},
        "all since the last snapshot is lost",
    ),
    "no": Policy(
        "AOF, appendfsync no",
        {**_AOF, "appendfsync": "no"},
        "a power cut costs what was not written yet",
    ),
    "everysec": Policy("AOF, appendfsync everysec", {**_AOF, "appendfsync": "everysec"}, _PROMISED),
    "always": Policy(
        "AOF, appendfsync always", {**_AOF, "appendfsync": "always"}, "nothing is lost"
    ),
}
"""The policies by name (redis.io, "Redis persistence")."""

NOTE = (
    "Killed was the process, not the machine: what Redis had handed to the operating system was "
    "written all the same. Only a power cut would part the three AOF policies."
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of acknowledged writes: how many were made, how many were there afterwards.

    `ordered` says that nothing survived which came after something lost, for each client. `rate`
    is acknowledged writes per second.
    """

    policy: str
    acknowledged: int
    survived: int
    ordered: bool
    rate: float
    said: str = field(default="", repr=False)

    @property
    def lost(self) -> int:
        """Return how many acknowledged writes were gone."""
        return self.acknowledged - self.survived


def crash(
    policy: str,
    *,
    seconds: float = 1.5,
    clients: int = 4,
    stop: threading.Event | None = None,
    begun: Callable[[Server], object] = lambda _server: None,
) -> Outcome:
    """Start a Redis with a policy, write for `seconds`, kill it in mid-write, restart it, count.

    The server is gone when this returns. `begun(server)` is called when it runs.
    """
    if policy not in POLICIES:
        raise UnknownName.among("policy", policy, POLICIES)
    from kit.launch.start import start

    name = f"crash-{policy}"
    with start("redis", name=name, settings=POLICIES[policy].settings) as server:
        begun(server)
        with Writers(lambda: server.connect(protocol=2), clients=clients) as writers:
            _write(server, policy, seconds / 2, stop or threading.Event())
            server.kill()
        server.restart()
        with server.connect(protocol=2) as client:
            there = surviving(client, writers.all)
        moments = writers.acknowledged
        lasted = moments[-1] - moments[0] if len(moments) > 1 else seconds
        return Outcome(
            policy=policy,
            acknowledged=len(moments),
            survived=sum(map(sum, there)),
            ordered=all(map(is_prefix, there)),
            rate=len(moments) / lasted,
            said=next((one.said for one in writers.all if one.said), ""),
        )


def _write(server: Server, policy: str, half: float, stop: threading.Event) -> None:
    """Let the writers write, with a snapshot in the middle where the policy is one."""
    stop.wait(half)
    if policy == "rdb":
        with server.connect(protocol=2) as client:
            client.bgsave()
            while client.info("persistence")["rdb_bgsave_in_progress"] and not stop.wait(0.01):
                pass
    stop.wait(half)


def panel(*, seconds: float = 1.5, clients: int = 4) -> Persistence:
    """Crash a server under each policy, and count what survived."""
    shown = Persistence(seconds, clients)
    shown.run()
    return shown


class Persistence(Experiment):
    """Five servers of its own, one after the other; one of them alone where it is chosen."""

    def __init__(self, seconds: float, clients: int) -> None:
        self.seconds = seconds
        self.outcomes: dict[str, Outcome] = {}
        every = [("all five", ""), *((one.title, name) for name, one in POLICIES.items())]
        self.policy = choice("Policy", every)
        self.clients = choice("Clients", sorted({1, 4, 16, clients}), clients)
        self.table = Table("What survived")
        self.bars = Bars("per second", of="acknowledged writes")
        super().__init__(
            sources.several("servers of its own"),
            "Persistence",
            go="Crash",
            controls=[self.policy, self.clients],
            body=[self.table, self.bars],
            label="Settings and commands",
        )

    def measure(self) -> str:
        """Crash the servers, and count."""
        wanted = [str(self.policy.value)] if self.policy.value else list(POLICIES)
        self.ran("\n\n".join(_written(name) for name in wanted))
        for name in wanted:
            if self.stop.is_set():
                break
            self.start(POLICIES[name].title, cancel=self.stop.set)
            done = crash(
                name, seconds=self.seconds, clients=int(self.clients.value), stop=self.stop
            )
            self.outcomes[name] = done
            self._show()
        return units.plural(len(wanted), "crash", "crashes")

    def _show(self) -> None:
        known = [self.outcomes[name] for name in POLICIES if name in self.outcomes]
        self.table.show(_grid(known))
        self.bars.show([Bar(POLICIES[one.policy].title, one.rate) for one in known])


def _grid(outcomes: list[Outcome]) -> Grid:
    return Grid(
        columns=("policy", "acknowledged", "survived", "lost", "kept", "promised"),
        rows=[
            (
                POLICIES[one.policy].title,
                one.acknowledged,
                one.survived,
                one.lost,
                "nothing" if not one.survived else "everything" if not one.lost else "a part",
                POLICIES[one.policy].promise,
            )
            for one in outcomes
        ],
        note=NOTE,
        volatile=frozenset({"acknowledged", "survived", "lost"}),
    )


def _written(name: str) -> str:
    policy = POLICIES[name]
    settings = "\n".join(f"{key} {value}" for key, value in policy.settings.items())
    middle = "\nBGSAVE" if name == "rdb" else ""
    after = "# … and then kill -9, restart, EXISTS …"
    return f"# {policy.title}\n{settings}\nSET write:0:1 1{middle}\n{after}"
