"""Redis servers that follow a primary."""

from __future__ import annotations

from contextlib import closing

from kit.databases.topologies import Node, Nodes


def script(given: str, *flags: str) -> str:
    """Return what a container runs where servers work together, as the image's own user.

    Such a server writes down in its configuration whom it follows or watches, so it gets one of its
    own, and that must outlive a restart.
    """
    own = "/data/own.conf"
    copied = f"umask 077; [ -e {own} ] || cat {given} > {own}"
    return f"{copied}; exec docker-entrypoint.sh redis-server {' '.join([own, *flags])}"


def leaders(nodes: Nodes) -> Nodes:
    """Return the running servers that follow no other; the first of all if there is none."""
    return [node for node in nodes if node.state == "running" and _leads(node)] or nodes[:1]


def follow(leader: Node, nodes: Nodes) -> None:
    """Have every other server follow `leader`; raise ConnectionError while one is not in step."""
    where = leader.peer
    for node in nodes:
        if node is leader:
            continue
        with closing(node.connect()) as client:
            state = client.info("replication")
            if (state.get("master_host"), state.get("master_port")) != (where.host, where.port):
                client.replicaof(where.host, where.port)
                # A replica that is started again still knows whom it follows.
                client.config_rewrite()
                state = client.info("replication")
            if state.get("master_link_status") != "up":
                raise ConnectionError(f"{node.name} has not caught up with {leader.name} yet")


def _leads(node: Node) -> bool:
    with closing(node.connect()) as client:
        return bool(client.role()[0] in (b"master", "master"))
