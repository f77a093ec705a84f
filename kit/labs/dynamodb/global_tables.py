"""Two regions of a global table, each a server of its own, kept in step by a model."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.errors import UsageError
from kit.labs.dynamodb import replication, streams
from kit.labs.dynamodb.design import Design
from kit.labs.dynamodb.layout import create, drop
from kit.labs.dynamodb.replication import Region, replicate
from kit.labs.dynamodb.story import Names, Step, Story, Theatre

if TYPE_CHECKING:
    from kit.launch.server import Server

TABLE = "kit_global"
NAMES = ("us-east-1", "eu-west-1")
"""The regions that the two servers stand for."""

_TRAVEL = Step(None, "replicate(here, there)", "_")
_SEE = 'here.read({"model": "digits"})'


def _agree(lanes: Sequence[Names]) -> tuple[bool, str]:
    one, other = (lane["here"].read({"model": "digits"}) for lane in lanes)
    return one == other, "Both regions agree." if one == other else "The regions disagree."


def _lost(lanes: Sequence[Names]) -> tuple[bool, str]:
    words = "The earlier of the two writes is gone, and its writer was told that all was well."
    return False, f"{_agree(lanes)[1]} {words}"


def _write(stage: str) -> str:
    return f'here.write({{"model": "digits", "stage": "{stage}"}})'


STORIES = (
    Story(
        name="a write travels",
        lead="One region writes, the other reads before and after the change has travelled.",
        steps=[
            Step(0, _write("champion")),
            Step(1, _SEE, "_"),
            _TRAVEL,
            Step(1, _SEE, "_"),
        ],
        judge=_agree,
    ),
    Story(
        name="two regions write one item",
        lead="Both regions change the same item before either has heard of the other.",
        steps=[
            Step(0, _write("retired")),
            Step(1, _write("champion")),
            Step(0, _SEE, "_"),
            Step(1, _SEE, "_"),
            _TRAVEL,
            Step(0, _SEE, "_"),
            Step(1, _SEE, "_"),
        ],
        judge=_lost,
    ),
    Story(
        name="a counter in two regions",
        lead="Ten trainings are known everywhere; then each region counts one more.",
        steps=[
            Step(0, 'here.write({"model": "digits", "trainings": 10})'),
            _TRAVEL,
            Step(0, 'count = here.read({"model": "digits"})["trainings"]', "count"),
            Step(1, 'count = here.read({"model": "digits"})["trainings"]', "count"),
            Step(0, 'here.write({"model": "digits", "trainings": count + 1})'),
            Step(1, 'here.write({"model": "digits", "trainings": count + 1})'),
            _TRAVEL,
            Step(0, _SEE, "_"),
        ],
        judge=_lost,
    ),
)


def regions(servers: Sequence[Server], story: str = STORIES[0].name) -> Regions:
    """Open the stories of two regions on two servers; raise Unsupported without streams."""
    if len(servers) != len(NAMES):
        raise UsageError(
            'Two regions want two servers: kit.topology("dynamodb", "ring", nodes=2), for example.'
        )
    return Regions(servers, story)


def region(server: Server, name: str) -> Region:
    """Make a region of a server: a fresh table kit_global, its stream switched on."""
    stream = streams.connect(server)
    db = server.connect()
    drop(db, TABLE)
    table = create(
        db,
        TABLE,
        Design(partition="model").definition([{"model": ""}])
        | {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
    )
    table.reload()
    return Region(name, table, stream)


class Regions(Theatre):
    """Two real tables on two real servers; what joins them is a model, and is shown."""

    def __init__(self, servers: Sequence[Server], first: str) -> None:
        self.servers = list(servers)
        self._regions: list[Region] = []
        super().__init__(
            "A global table, modelled",
            note="two servers stand for two regions; a model of the service's replication, run "
            "when the story says so",
            lanes=NAMES,
            stories=STORIES,
            first=first,
            set_up=self._scene,
            scene=("The model, all of it", _MODEL),
        )

    def close(self) -> None:
        """Close the clients, and remove the panel."""
        self._part()
        super().close()

    def _scene(self) -> list[Names]:
        self._part()
        self._regions = [
            region(server, name) for server, name in zip(self.servers, NAMES, strict=True)
        ]
        one, other = self._regions
        return [
            {"here": one, "there": other, "replicate": replicate},
            {"here": other, "there": one, "replicate": replicate},
        ]

    def _part(self) -> None:
        for one in self._regions:
            one.table.meta.client.close()
            one.streams.close()
        self._regions = []


_MODEL = inspect.getsource(replication).partition('"""\n\n')[2]
