"""Local images that stand in for the official ones, where no registry can be reached.

They take the same variables, arguments, files, volumes and ports. What differs: the versions are
Debian's; MySQL comes from Debian's unstable suite; MongoDB's image carries SecantusDB and DynamoDB
Local's carries moto, the same packages that stand in for them as local processes.

    python -m tests.containers.images      removes them from the machine's engine, and only them

The tests' own engine keeps them in a folder that may be deleted: see `daemon.folder`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.containers import builder, root
from tests.containers.builder import Base, Recipe

_OWN = (
    *("postgresql", "redis-server", "memcached", "influxdb", "influxdb-client", "prometheus"),
    *("prometheus-alertmanager", "prometheus-pushgateway", "prometheus-node-exporter"),
)
_DEBIAN = Base("debian", "", (*root.BASE, *_OWN, "python3"))
_UNSTABLE = Base("debian-unstable", "sid", (*root.BASE, "mysql-server-core"))
_ENTRY = 'ENTRYPOINT ["docker-entrypoint.sh"]'
_COMMON = ("common.sh", "usr/local/lib/entrypoint.sh")


def _entry(name: str) -> tuple[str, str]:
    return (f"{name}.sh", "usr/local/bin/docker-entrypoint.sh")


RECIPES = {
    "postgresql": Recipe(
        _DEBIAN,
        (
            "ENV PGDATA=/var/lib/postgresql/data",
            "VOLUME /var/lib/postgresql/data",
            _ENTRY,
            'CMD ["postgres"]',
        ),
        (_COMMON, _entry("postgresql")),
        stop="SIGINT",
    ),
    "mysql": Recipe(
        _UNSTABLE,
        ("VOLUME /var/lib/mysql", _ENTRY, 'CMD ["mysqld"]'),
        (_COMMON, _entry("mysql")),
    ),
    "mongodb": Recipe(
        _DEBIAN,
        ("VOLUME /data/db /data/configdb", _ENTRY, 'CMD ["mongod"]'),
        (_COMMON, _entry("mongodb"), ("mongod.py", "usr/local/bin/mongod")),
        libraries=("SecantusDB",),
    ),
    "dynamodb": Recipe(
        _DEBIAN,
        (
            "USER dynamodblocal",
            "WORKDIR /home/dynamodblocal",
            'ENTRYPOINT ["java"]',
            'CMD ["-jar", "DynamoDBLocal.jar", "-inMemory"]',
        ),
        (("dynamodb.sh", "usr/local/bin/java"),),
        stop="SIGINT",
        libraries=("moto[dynamodb]", "flask", "flask-cors"),
    ),
    "redis": Recipe(
        _DEBIAN,
        ("VOLUME /data", "WORKDIR /data", _ENTRY, 'CMD ["redis-server"]'),
        (_COMMON, _entry("redis")),
    ),
    "memcached": Recipe(
        _DEBIAN, ("USER memcache", _ENTRY, 'CMD ["memcached"]'), (_entry("memcached"),)
    ),
    "influxdb": Recipe(
        _DEBIAN,
        ("VOLUME /var/lib/influxdb", "USER influxdb", _ENTRY, 'CMD ["influxd"]'),
        (_entry("influxdb"),),
    ),
    "alertmanager": Recipe(
        _DEBIAN,
        (
            "USER nobody",
            "WORKDIR /alertmanager",
            "VOLUME /alertmanager",
            'ENTRYPOINT ["prometheus-alertmanager"]',
        ),
    ),
    **{
        name: Recipe(_DEBIAN, ("USER nobody", f'ENTRYPOINT ["prometheus-{program}"]'))
        for name, program in (
            ("pushgateway", "pushgateway"),
            ("node_exporter", "node-exporter"),
        )
    },
    "prometheus": Recipe(
        _DEBIAN,
        (
            "USER nobody",
            "WORKDIR /prometheus",
            "VOLUME /prometheus",
            'ENTRYPOINT ["/bin/prometheus"]',
            'CMD ["--config.file=/etc/prometheus/prometheus.yml", '
            '"--storage.tsdb.path=/prometheus"]',
        ),
    ),
}


def provide(client: Any, name: str, folder: Path) -> str:
    """Return the stand-in for `name`, built if need be; raise root.Unavailable with the reason."""
    if name not in RECIPES:
        raise root.Unavailable("it has no stand-in yet")
    return builder.provide(client, name, RECIPES[name], folder)


if __name__ == "__main__":
    from kit.launch import engine

    with engine.client(engine.find()) as client:
        builder.remove(client)
