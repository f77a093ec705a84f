"""MongoDB's labs."""

from __future__ import annotations

from kit.labs.mongodb.builder import Builder, pipeline

__all__ = ["Builder", "pipeline"]
