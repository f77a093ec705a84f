"""MySQL and MariaDB servers that follow a primary by global transaction identifiers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from kit.databases.endpoint import Endpoint
from kit.databases.topologies import Node, Nodes

Row = dict[str, Any]

_INTERVAL = re.compile(r":(\d+)(?:-(\d+))?")
_FAILED = (
    "SELECT last_error_message AS said FROM performance_schema.replication_applier_status_by_worker"
    " WHERE last_error_number <> 0"
)


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
    """Have the other servers follow `leader`; raise ConnectionError while one is not in step."""
    with closing(leader.connect(autocommit=True)) as client:
        reached = position(client)
    for node in others:
        with closing(node.connect(autocommit=True)) as client:
            state = status(client)
            if state.get("Auto_Position") != "1" and state.get("Using_Gtid") != "Slave_Pos":
                _begin(client, leader.peer)
                state = status(client)
            if said := problem(client, state):
                raise ConnectionError(f"{node.name} does not follow {leader.name}: {said}")
            # Both threads run for a moment even where the first change will stop them.
            if {state["IO"], state["SQL"]} != {"Yes"} or behind(client, reached):
                raise ConnectionError(f"{node.name} has not caught up with {leader.name} yet")


def forget(client: Any) -> None:
    """Empty a new server's binary log: replicas are set up as it was, and cannot do it twice."""
    if _ask(client, "SELECT @@log_bin AS kept")[0]["kept"]:
        _run(client, _reset(client))


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


def problem(client: Any, state: Row) -> str:
    """Return in the replica's own words why it neither receives nor applies; empty if it does."""
    if state.get("Last_SQL_Errno", "0") != "0" and not is_mariadb(client):
        # MySQL applies with several workers, and its status says no more than that one failed.
        for row in _ask(client, _FAILED):
            return str(row["said"])
    return str(state.get("Last_SQL_Error") or state.get("Last_IO_Error") or "")


def position(client: Any) -> str:
    """Return the identifiers of all that a primary has committed."""
    name = "gtid_binlog_pos" if is_mariadb(client) else "GLOBAL.gtid_executed"
    return str(_ask(client, f"SELECT @@{name} AS reached")[0]["reached"])


def behind(client: Any, reached: str) -> int:
    """Count the transactions that stand in a primary's position and are not applied here."""
    if is_mariadb(client):
        applied = _ask(client, "SELECT @@gtid_slave_pos AS applied")[0]["applied"]
        return missing(reached, str(applied))
    left = "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS missing"
    return count(str(_ask(client, left, reached)[0]["missing"]))


def missing(reached: str, applied: str) -> int:
    """Count by MariaDB's positions (domain-server-number) how many transactions are missing."""
    done = _numbers(applied)
    return sum(max(number - done.get(domain, 0), 0) for domain, number in _numbers(reached).items())


def count(gtids: str) -> int:
    """Count the transactions in a set of MySQL's identifiers, such as `uuid:1-5:7`."""
    return sum(int(last or first) - int(first) + 1 for first, last in _INTERVAL.findall(gtids))


def is_mariadb(client: Any) -> bool:
    """Tell MariaDB from MySQL by the version that the server gave when the client came in."""
    return "mariadb" in str(client.get_server_info()).lower()


def _begin(client: Any, where: Endpoint) -> None:
    """Forget what the replica wrote down before, and follow the primary from its first change."""
    address = [where.host, where.port, where.user, where.password]
    for statement, values in _mariadb(address) if is_mariadb(client) else _mysql(client, address):
        _run(client, statement, *values)


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
    return [
        ("STOP REPLICA", []),
        (_reset(client), []),
        (
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = %s, SOURCE_PORT = %s, SOURCE_USER = %s, "
            "SOURCE_PASSWORD = %s, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, "
            "SOURCE_CONNECT_RETRY = 1",
            address,
        ),
        ("SET GLOBAL super_read_only = ON", []),
        ("START REPLICA", []),
    ]


def _reset(client: Any) -> str:
    number = client.get_server_info().split("-")[0].split(".")[:2]
    old = is_mariadb(client) or tuple(map(int, number)) < (8, 4)
    return "RESET MASTER" if old else "RESET BINARY LOGS AND GTIDS"


def _numbers(reached: str) -> dict[str, int]:
    parts = [one.strip().split("-") for one in reached.split(",") if one.strip()]
    return {domain: int(number) for domain, _, number in parts}


def _run(client: Any, statement: str, *values: Any) -> None:
    with client.cursor() as cursor:
        cursor.execute(statement, values or None)


def _ask(client: Any, statement: str, *values: Any) -> list[Row]:
    from pymysql.cursors import DictCursor

    with client.cursor(DictCursor) as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())
