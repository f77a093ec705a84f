"""Panels for Prometheus: asked, taken apart, watched, and alarmed."""

from __future__ import annotations

from kit.labs.prometheus.tree import QueryTree, tree

__all__ = ["QueryTree", "tree"]
