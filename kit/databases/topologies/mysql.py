"""MySQL and MariaDB servers that follow a primary by global transaction identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from kit.databases.endpoint import Endpoint
from kit.databases.topologies import Node, Nodes

Row = dict[str, Any]


def settings(number: int) -> Mapping[str, str]:
    """Return what a server needs from its start; each product takes no notice of the other's."""
    return {
        "server-id": str(number),
        "log-bin": "binlog",
        "loose-log-replica-updates": "ON",
        "loose-log-slave-updates": "ON",
        "loose-gtid-mode": "ON",
        "loose-enforce-gtid-consistency": "ON",
        "loose-gtid-strict-mode": "ON",
    }


def follow(leader: Node, others: Nodes) -> None:
    """Have the other servers follow `leader`; raise ConnectionError while one does not."""
    for node in others:
        with closing(node.connect(autocommit=True)) as client:
            state = status(client)
            if state.get("Auto_Position") != "1" and state.get("Using_Gtid") != "Slave_Pos":
                _begin(client, leader.peer)
                state = status(client)
        if problem := state.get("Last_SQL_Error") or state.get("Last_IO_Error"):
            raise ConnectionError(f"{node.name} does not follow {leader.name}: {problem}")
        if {state["IO"], state["SQL"]} != {"Yes"}:
            raise ConnectionError(f"{node.name} does not follow {leader.name} yet")


def status(client: Any) -> Row:
    """Return a replica's status by name, its threads as IO and SQL; empty where it follows nobody.

    MySQL calls `Source` and `Replica` what MariaDB calls `Master` and `Slave`.
    """
    mariadb = is_mariadb(client)
    rows = _ask(client, "SHOW SLAVE STATUS" if mariadb else "SHOW REPLICA STATUS")
    if not rows:
        return {}
    found = {name: str(value) if value is not None else "" for name, value in rows[0].items()}
    who = "Slave" if mariadb else "Replica"
    return found | {"IO": found[f"{who}_IO_Running"], "SQL": found[f"{who}_SQL_Running"]}


def is_mariadb(client: Any) -> bool:
    """Tell MariaDB from MySQL by the version that the server gave when the client came in."""
    return "mariadb" in str(client.get_server_info()).lower()


def _begin(client: Any, where: Endpoint) -> None:
    """Forget what the replica wrote down before, and follow the primary from its first change."""
    address = [where.host, where.port, where.user, where.password]
    for statement, values in _mariadb(address) if is_mariadb(client) else _mysql(client, address):
        with client.cursor() as cursor:
            cursor.execute(statement, values)


def _mariadb(address: list[Any]) -> list[tuple[str, Sequence[Any]]]:
    return [
        ("STOP SLAVE", []),
        ("RESET MASTER", []),
        ("SET GLOBAL gtid_slave_pos = ''", []),
        (
            "CHANGE MASTER TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = %s, "
            "MASTER_PASSWORD = %s, MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1",
            address,
        ),
        ("SET GLOBAL read_only = ON", []),
        # MariaDB lets in whoever has this right, and ALL PRIVILEGES hold it.
        ("SET SESSION sql_log_bin = 0", []),
        ("REVOKE READ ONLY ADMIN ON *.* FROM CURRENT_USER()", []),
        ("START SLAVE", []),
    ]


def _mysql(client: Any, address: list[Any]) -> list[tuple[str, Sequence[Any]]]:
    old = tuple(map(int, client.get_server_info().split("-")[0].split(".")[:2])) < (8, 4)
    return [
        ("STOP REPLICA", []),
        ("RESET MASTER" if old else "RESET BINARY LOGS AND GTIDS", []),
        (
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_PORT = %s, SOURCE_USER = %s, "
            "SOURCE_PASSWORD = %s, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, "
            "SOURCE_CONNECT_RETRY = 1",
            address,
        ),
        ("SET GLOBAL super_read_only = ON", []),
        ("START REPLICA", []),
    ]


def _ask(client: Any, statement: str) -> list[Row]:
    from pymysql.cursors import DictCursor

    with client.cursor(DictCursor) as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
