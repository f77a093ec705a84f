"""promtool, which checks rules and configurations, and tests rules against invented series."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.databases import programs
from kit.errors import ServerMissing

_TAKES = 60.0


@dataclass(frozen=True)
class Checked:
    """What promtool found; it is true when nothing is wrong."""

    right: bool
    said: str
    command: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.command}\n{self.said}"


def check_rules(rules: str) -> Checked:
    """Check a rule file, given as text."""
    return run(["check", "rules", "rules.yml"], {"rules.yml": rules})


def test_rules(rules: str, tests: str) -> Checked:
    """Run unit tests, which name `rules.yml` as their rule file, against rules; both are texts."""
    return run(["test", "rules", "tests.yml"], {"rules.yml": rules, "tests.yml": tests})


def check_config(config: str) -> Checked:
    """Check a configuration's syntax, given as text; the files that it names are left out."""
    return run(["check", "config", "--syntax-only", "prometheus.yml"], {"prometheus.yml": config})


def run(arguments: list[str], files: Mapping[str, str]) -> Checked:
    """Run promtool beside these files; raise ServerMissing where there is none."""
    found = programs.search("promtool", product="promtool")
    if not found:
        raise ServerMissing(
            "promtool, which comes with Prometheus, is not on this machine. "
            "Install it: sudo apt-get install prometheus  or  brew install prometheus"
        )
    with tempfile.TemporaryDirectory(prefix="kit-promtool-") as place:
        for name, text in files.items():
            Path(place, name).write_text(text)
        ended = subprocess.run(
            [str(found[0].path), *arguments],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=_TAKES,
            check=False,
        )
        said = "\n".join(filter(None, (ended.stdout.strip(), ended.stderr.strip())))
        said = re.sub(rf"{re.escape(place)}/?", "", said)
    return Checked(ended.returncode == 0, said, " ".join(["promtool", *arguments]))
