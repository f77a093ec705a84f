"""The network of a topology in containers, where each server has an address of its own.

On the engine's usual network a server that is started again gets the first address that is free,
which may have been another's: its replicas would follow a stranger.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Network
from typing import Any

# The first address is the gateway's.
_FIRST = 1


def name(owner: str, group: str) -> str:
    """Return the name of a topology's network; `owner` tells kit homes that share an engine apart.

    It is empty for a server that belongs to no topology.
    """
    digest = hashlib.sha256(owner.encode()).hexdigest()[:8]
    return f"kit-{digest}-{group}" if group else ""


def provide(client: Any, called: str, labels: dict[str, str]) -> IPv4Network:
    """Return the range of the network, which is created unless it is there.

    `client` is the library's. Nobody else may make or remove networks meanwhile.
    """
    found = [one for one in client.networks.list(called) if one.name == called]
    return _range(found[0] if found else _create(client, called, labels))


def place(called: str, subnet: IPv4Network, seat: int) -> dict[str, Any]:
    """Return what tells the library to put a container there; `seat` counts from 1."""
    from docker.constants import DEFAULT_DOCKER_API_VERSION
    from docker.types import EndpointConfig

    address = str(subnet[_FIRST + seat])
    at = EndpointConfig(DEFAULT_DOCKER_API_VERSION, ipv4_address=address)
    return {"network": called, "networking_config": {called: at}}


def _create(client: Any, called: str, labels: dict[str, str]) -> Any:
    from docker.types import IPAMConfig, IPAMPool

    # An address can be asked for where the range was named; the engine knows which one is free.
    trial = client.networks.create(f"{called}-trial", labels=labels)
    trial.reload()
    subnet = _range(trial)
    trial.remove()
    pools = IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))])
    made = client.networks.create(called, ipam=pools, labels=labels)
    made.reload()
    return made


def _range(network: Any) -> IPv4Network:
    configs = network.attrs["IPAM"]["Config"]
    return next(IPv4Network(one["Subnet"]) for one in configs if ":" not in one["Subnet"])
