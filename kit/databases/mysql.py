"""MySQL, or MariaDB where MySQL is not installed: the alternative metadata store."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.databases import programs
from kit.databases.base import Command, Container, Program, Run, Site
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import mysql as rooms
from kit.databases.rooms.own import OwnDatabase
from kit.databases.topologies import REPLICA, RING, Nodes, Shape
from kit.databases.topologies import mysql as replication
from kit.errors import ServerMissing

_SETTINGS = {
    "bind-address": "127.0.0.1",
    # MariaDB of this age still assumes latin1, which has no place for most of the world's text.
    "character-set-server": "utf8mb4",
    # With names never looked up, `root@localhost` can come in by the private socket alone.
    "skip-name-resolve": "ON",
    "innodb-buffer-pool-size": "64M",
}
# Where a template's log had another size, each start would write the log anew.
_LOG, _LOG_SIZE = "innodb-log-file-size", "16M"
_MYSQL = {"mysqlx": "OFF"}
_MARIADB = {
    # MySQL tells there who waits for whom; MariaDB tells it elsewhere.
    "performance-schema": "OFF",
    _LOG: _LOG_SIZE,
}
# In its environment, everyone who may use the container engine could read the password.
_PASSWORD_FILE = "/etc/kit-password"  # noqa: S105
_THROW_AWAY = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "sync-binlog": "0",
}
_DURABLE = {"innodb-flush-log-at-trx-commit": "1", "sync-binlog": "1"}


class MySQL(OwnDatabase):
    """MySQL by preference, MariaDB where it is what the machine has; the card says which."""

    name = "mysql"
    title = "MySQL"
    summary = "the other relational metadata store: fast reads, replicas"
    lesson = "02_mysql"
    accent = "#00758f"
    scheme = "mysql+pymysql"
    schemes = ("mariadb",)
    stand_ins = ("mariadb",)
    port = 3306
    image = "mysql:8.4.6"
    volume = "/var/lib/mysql"
    health = f"MYSQL_PWD=$(cat {_PASSWORD_FILE}) mysql -h 127.0.0.1 -u mlflow -e 'SELECT 1'"
    install = {
        "apt": "mariadb-server-core mariadb-client-core",
        "conda": "mysql-server mysql-client",
        "brew": "mysql",
    }
    user = "mlflow"
    catalog = "mlflow"
    refuses_root = True
    templated = True
    minimum_free_mb = 250

    def programs(self) -> list[Program]:
        found = programs.search("mysqld", product="MySQL")
        found = [program for program in found if program.path.resolve().name == "mysqld"]
        return found + programs.search("mariadbd", product="MariaDB")

    def initialise(self, program: Program, site: Site, run: Run) -> None:
        if program.product == "MariaDB":
            files = ("--no-defaults", f"--datadir={site.data}")
            run([_installer(program), *files, *_INSTALL, f"--{_LOG}={_LOG_SIZE}"])
            # It lets `root` in without a password from 127.0.0.1; the private socket stays.
            others = "DELETE FROM mysql.global_priv WHERE Host <> 'localhost';\n"
            run([program.path, *files, f"--{_LOG}={_LOG_SIZE}", "--bootstrap"], stdin=others)
        else:
            flags = ("--no-defaults", "--initialize-insecure", f"--datadir={site.data}")
            run([program.path, *flags, "--innodb-redo-log-capacity=8M"])
            # It names the server; two of one name cannot follow each other. A start makes another.
            (site.data / "auto.cnf").unlink(missing_ok=True)

    def command(self, program: Program, site: Site) -> Command:
        settings = _SETTINGS | (_DURABLE if site.durable else _THROW_AWAY)
        settings |= _MYSQL if program.product == "MySQL" else _MARIADB
        settings |= {
            "datadir": str(site.data),
            "port": str(site.port),
            "socket": str(_socket(site)),
            "pid-file": str(site.data / "server.pid"),
            # A server that starts removes temporary tables from there, those of others too.
            "tmpdir": str(site.data),
        }
        settings |= site.settings
        flags = [f"--{key}={value}" for key, value in settings.items()]
        return Command(argv=[str(program.path), "--no-defaults", *flags])

    def admit(self, site: Site) -> None:
        import pymysql

        # PyMySQL would leave a socket open on which nobody listens yet, and to get ready for
        # TLS it would read all authorities that this machine trusts.
        client = pymysql.connect(user="root", ssl_disabled=True, defer_connect=True)
        with socket.socket(socket.AF_UNIX) as line, client:
            line.connect(str(_socket(site)))
            client.connect(line)
            cursor = client.cursor()
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{self.catalog}`")
            # Binary logs keep statements as they were typed; this one holds the password.
            cursor.execute("SET SESSION sql_log_bin = 0")
            cursor.execute(
                "CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", [self.user, site.password]
            )
            cursor.execute("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", [self.user])

    def container(self, site: Site) -> Container:
        settings = (_DURABLE if site.durable else _THROW_AWAY) | dict(site.settings)
        return Container(
            env={
                "MYSQL_ROOT_PASSWORD_FILE": _PASSWORD_FILE,
                "MYSQL_DATABASE": self.catalog,
                "MYSQL_USER": self.user,
                "MYSQL_PASSWORD_FILE": _PASSWORD_FILE,
            },
            command=[f"--{key}={value}" for key, value in settings.items()],
            files={_PASSWORD_FILE: site.password},
        )

    def admit_container(self, endpoint: Endpoint) -> None:
        # The image grants its user one database; lessons on replicas and grants need more.
        with self.connect(replace(endpoint, user="root", catalog="")) as client:
            client.cursor().execute("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", [self.user])
            replication.forget(client)

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        import pymysql

        where: dict[str, Any] = {
            "host": endpoint.host,
            "port": endpoint.port,
            "user": endpoint.user,
            "password": endpoint.password,
            "database": endpoint.catalog or None,
            "connect_timeout": 10,
            **endpoint.options,
        }
        return pymysql.connect(**(where | options))

    def ping(self, client: Any) -> None:
        with client.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    def identify(self, client: Any) -> tuple[str, str]:
        with client.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            version = str(cursor.fetchone()[0])
        return "MariaDB" if "mariadb" in version.lower() else "MySQL", version.split("-")[0]

    def remember(self, client: Any) -> str:
        with client.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS kit_memory (id SERIAL PRIMARY KEY)")
            cursor.execute("INSERT INTO kit_memory VALUES (NULL)")
            token = str(cursor.lastrowid)
        client.commit()
        return token

    def recall(self, client: Any, token: str) -> bool:
        with client.cursor() as cursor:
            cursor.execute("SELECT 1 FROM kit_memory WHERE id = %s", [token])
            return cursor.fetchone() is not None

    def create_room(self, client: Any, name: str) -> None:
        rooms.create(client, name)

    def drop_room(self, client: Any, name: str) -> None:
        rooms.drop(client, name)

    def features(self, product: str, version: str) -> frozenset[str]:
        return frozenset({"persistence", "transactions", "replication", "json", "full_text"})

    def topologies(self) -> Mapping[str, Shape]:
        return {"ring": RING, "replica": REPLICA}

    def node_settings(self, kind: str, number: int) -> Mapping[str, str]:
        return replication.settings(number) if kind == "replica" else {}

    def join(self, kind: str, nodes: Nodes, watchers: Nodes) -> None:
        if kind == "replica":
            replication.follow(nodes[0], nodes[1:])


_INSTALL = (
    "--skip-test-db",
    "--auth-root-authentication-method=normal",
    "--skip-name-resolve",
)


def _installer(program: Program) -> Path:
    for folder in (program.path.resolve().parent, Path("/usr/bin")):
        for name in ("mariadb-install-db", "mysql_install_db"):
            if (folder / name).exists():
                return folder / name
    raise ServerMissing(
        "MariaDB's server is here, but not `mariadb-install-db`, which creates its files. "
        "Install the package that carries it: apt-get install mariadb-server-core"
    )


def _socket(site: Site) -> Path:
    return site.data / "s"


DATABASE = MySQL()
