"""MongoDB: `mongod` where it is installed, SecantusDB elsewhere."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.databases import programs
from kit.databases.base import Command, Container, Program, Run, Site
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import mongodb as rooms
from kit.databases.rooms.own import OwnDatabase

_SETUP_FILE = "setup-password"
# For lessons: without a sync on commit, a crash of SecantusDB loses writes that it acknowledged.
# With mongod, each write chooses for itself.
_UNSYNCED = ("sync-on-commit", "off")
_SYNCED = "--sync-on-commit"
_TOLD_AN_IMAGE = {"SECANTUS_SYNC_ON_COMMIT": "off"}
# In its environment, everyone who may use the container engine could read the password.
_PASSWORD_FILE = "/etc/kit-password"  # noqa: S105
# Members of a replica set want a key that no other account can read; the image's own entrypoint
# gives the folder to the server's account.
_WITH_KEY = """key=/data/configdb/keyfile
head -c 96 /dev/urandom | base64 -w 0 >$key && chmod 400 $key
exec docker-entrypoint.sh mongod --replSet kit --keyFile $key "$@"
"""
# Of its own accord mongod takes half of the memory, a twentieth of the disk, and 300 MB for a
# journal that is still empty.
_SMALL = {
    "quiet": "",
    "wiredTigerCacheSizeGB": "0.25",
    "oplogSize": "64",
    "wiredTigerEngineConfigString": "log=(prealloc=false,file_max=16MB)",
}


class MongoDB(OwnDatabase):
    """MongoDB's wire protocol; what answers it is said on the card."""

    name = "mongodb"
    title = "MongoDB"
    summary = "run configurations whose shape changes"
    lesson = "03_mongodb"
    accent = "#00a35c"
    scheme = "mongodb"
    stand_ins = ("secantusdb",)
    port = 27017
    image = "mongo:8.0.13"
    volume = "/data/db"
    health = "mongosh --quiet --eval 'db.runCommand({ping: 1}).ok' | grep -q 1"
    install = {"conda": "mongodb", "brew": "mongodb-community", "pip": "SecantusDB"}
    user = "kit"
    catalog = "mlops_db"
    templated = True
    minimum_free_mb = 400
    holds = "collections"
    entry = {"serverSelectionTimeoutMS": 5000}

    def programs(self) -> list[Program]:
        stand_in = programs.package("SecantusDB", product="SecantusDB", path=Path(sys.executable))
        return programs.search("mongod", product="MongoDB") + stand_in

    def initialise(self, program: Program, site: Site, run: Run) -> None:
        if program.product == "MongoDB":
            return
        # SecantusDB has users only if one was made before it was started with --auth.
        secret = secrets.token_urlsafe(24)
        # Told to end, it takes two seconds; and told so just before it begins to listen for it, it
        # goes on for good.
        argv = [*_secantus(program, site), _SYNCED, "--port", str(site.port)]
        with programs.running(argv, site.directory):
            endpoint = Endpoint(host="127.0.0.1", port=site.port)
            with self.connect(endpoint, serverSelectionTimeoutMS=20_000) as client:
                client.admin.command("createUser", self.user, pwd=secret, roles=["root"])
        (site.data / _SETUP_FILE).write_text(secret)

    def command(self, program: Program, site: Site) -> Command:
        port = ["--port", str(site.port)]
        if program.product == "SecantusDB":
            synced = [] if _UNSYNCED in site.settings.items() else [_SYNCED]
            known = _flags(_known(site.settings))
            return Command(argv=[*_secantus(program, site), "--auth", *synced, *port, *known])
        return Command(
            argv=[str(program.path), *_mongod(site), *port],
            files={"keyfile": secrets.token_hex(32)},
        )

    def admit(self, site: Site) -> None:
        endpoint = Endpoint(host="127.0.0.1", port=site.port)
        setup = site.data / _SETUP_FILE
        if not setup.exists():
            return self._admit_mongod(endpoint, site.password)
        options = {"username": self.user, "password": setup.read_text(), "authSource": "admin"}
        with self.connect(endpoint, serverSelectionTimeoutMS=2000, **options) as client:
            client.admin.command("updateUser", self.user, pwd=site.password)
        setup.unlink()

    def _admit_mongod(self, endpoint: Endpoint, password: str) -> None:
        with self.connect(endpoint, serverSelectionTimeoutMS=2000) as client:
            _initiate(client, endpoint.port)
            # Until a first user exists, the server lets a client on this machine create it.
            client.admin.command("createUser", self.user, pwd=password, roles=["root"])

    def container(self, site: Site) -> Container:
        return Container(
            env={
                "MONGO_INITDB_ROOT_USERNAME": self.user,
                "MONGO_INITDB_ROOT_PASSWORD_FILE": _PASSWORD_FILE,
                **(_TOLD_AN_IMAGE if _UNSYNCED in site.settings.items() else {}),
            },
            command=["bash", "-c", _WITH_KEY, "mongod", *_flags(_known(site.settings))],
            files={_PASSWORD_FILE: site.password},
            # The image would make an anonymous volume of it, one more with every container.
            tmpfs=["/data/configdb"],
        )

    def admit_container(self, endpoint: Endpoint) -> None:
        with self.connect(endpoint, serverSelectionTimeoutMS=2000) as client:
            _initiate(client, self.port)
            self.ping(client)

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        from pymongo import MongoClient

        # Only an address tells the client which database is meant: `get_default_database()`.
        where: dict[str, Any] = {"host": self.url(endpoint)}
        if not endpoint.query:
            where |= {"directConnection": True, "serverSelectionTimeoutMS": 10_000}
        return MongoClient(**(where | options))

    def url(self, endpoint: Endpoint) -> str:
        # With a database in the address, drivers look for the user in that database; and a replica
        # set in a container would send them to an address that is its own.
        own = "authSource=admin&directConnection=true" if endpoint.user else ""
        return super().url(replace(endpoint, query=endpoint.query or own))

    def ping(self, client: Any) -> None:
        from pymongo.errors import NotPrimaryError

        client.admin.command("listDatabases", nameOnly=True)
        if not client.admin.command("hello")["isWritablePrimary"]:
            raise NotPrimaryError("no member of the replica set has been elected yet")

    def identify(self, client: Any) -> tuple[str, str]:
        info = client.admin.command("buildInfo")
        if set(info["gitVersion"]) == {"0"}:
            # The version that SecantusDB reports is that of the MongoDB it imitates.
            return "SecantusDB", self.programs()[-1].version
        return "MongoDB", str(info["version"])

    def remember(self, client: Any) -> str:
        return str(self._memory(client).insert_one({}).inserted_id)

    def recall(self, client: Any, token: str) -> bool:
        from bson import ObjectId

        return self._memory(client).find_one({"_id": ObjectId(token)}) is not None

    def _memory(self, client: Any) -> Any:
        return client.get_default_database(self.catalog).kit_memory

    def create_room(self, client: Any, name: str) -> None:
        rooms.create(client, name)

    def drop_room(self, client: Any, name: str) -> None:
        client.drop_database(name)

    def features(self, product: str, version: str) -> frozenset[str]:
        shared = {"persistence", "transactions", "expiry", "change_streams", "validators"}
        if product == "SecantusDB":
            return frozenset(shared)
        # Sharding is the work of mongos, which the kit does not start.
        own = {"full_text", "hashed_indexes", "hints", "index_order", "journal_per_write"}
        return frozenset(shared | own)


def _initiate(client: Any, port: int) -> None:
    """Make the server a replica set of one, which transactions and change streams need."""
    from pymongo.errors import OperationFailure

    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    try:
        client.admin.command("replSetInitiate", {"_id": "kit", "members": members})
    except OperationFailure as error:
        # SecantusDB has no such command, and needs none.
        known = {"AlreadyInitialized", "CommandNotFound"}
        if (error.details or {}).get("codeName") not in known:
            raise


def _known(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that mongod knows too."""
    return {key: value for key, value in settings.items() if key != _UNSYNCED[0]}


def _flags(settings: Mapping[str, str]) -> list[str]:
    return [f"--{key}={value}" if value else f"--{key}" for key, value in settings.items()]


def _secantus(program: Program, site: Site) -> list[str]:
    options = ["--storage-path", str(site.data), "--cache-size", "128M"]
    return [str(program.path), "-m", "secantus", "--host", "127.0.0.1", *options]


def _mongod(site: Site) -> list[str]:
    options = ["--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", "kit", "--auth"]
    files = ["--dbpath", str(site.data), "--keyFile", str(site.directory / "keyfile")]
    return [*options, *files, *_flags(_SMALL | _known(site.settings))]


DATABASE = MongoDB()
