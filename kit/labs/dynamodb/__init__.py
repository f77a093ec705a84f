"""Panels on DynamoDB: designs, capacity units and what they cost, writers, pages, regions."""

from kit.labs.dynamodb.bill import metering
from kit.labs.dynamodb.cost import Prices, Workload
from kit.labs.dynamodb.designing import designer
from kit.labs.dynamodb.global_tables import region, regions
from kit.labs.dynamodb.heat import hotkeys
from kit.labs.dynamodb.keys import KeyChoice, counting
from kit.labs.dynamodb.locking import writers
from kit.labs.dynamodb.meters import meter
from kit.labs.dynamodb.paging import pager
from kit.labs.dynamodb.patterns import Pattern
from kit.labs.dynamodb.paying import calculator
from kit.labs.dynamodb.replication import replicate
from kit.labs.dynamodb.simulation import scaling
from kit.labs.dynamodb.streams import changes
from kit.labs.dynamodb.unprocessed import busy
from kit.labs.dynamodb.weight import size

__all__ = [
    "KeyChoice",
    "Pattern",
    "Prices",
    "Workload",
    "busy",
    "calculator",
    "changes",
    "counting",
    "designer",
    "hotkeys",
    "meter",
    "metering",
    "pager",
    "region",
    "regions",
    "replicate",
    "scaling",
    "size",
    "writers",
]
