"""Say what this machine can run, what it lacks, and what to type."""

from __future__ import annotations

import html
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from kit import databases
from kit.databases.base import Database, Program
from kit.errors import KitError
from kit.launch import engine, paths
from kit.launch.choice import how_to_install, within_reach

_LOW_MB = 1024


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one lesson's database would run on."""

    database: Database
    backend: str
    server: str
    remedy: str = ""

    @property
    def ready(self) -> bool:
        """Tell whether the lesson works on this machine."""
        return not self.remedy


@dataclass(frozen=True, kw_only=True)
class Report:
    """One finding per database, and warnings about the machine itself."""

    findings: Sequence[Finding]
    warnings: Sequence[str]

    @property
    def healthy(self) -> bool:
        """Tell whether every lesson works and nothing is wrong with the machine."""
        return not self.warnings and all(found.ready for found in self.findings)

    def __repr__(self) -> str:
        lines = [_line(found) for found in self.findings]
        lines += [f"   to get it: {found.remedy}" for found in self.findings if found.remedy]
        return "\n".join([*lines, *(f"! {warning}" for warning in self.warnings)])

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th scope="col" style="text-align:left">{title}</th>'
            for title in ("Lesson", "", "Runs on", "As")
        )
        rows = "".join(_row(found) for found in self.findings)
        notes = "".join(f"<p>⚠ {html.escape(warning)}</p>" for warning in self.warnings)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}"


def doctor() -> Report:
    """Look at this machine; nothing is started or changed."""
    has_engine = engine.answers()
    findings = [_examine(database, has_engine) for database in databases.everything()]
    return Report(findings=findings, warnings=_warnings())


def _examine(database: Database, has_engine: bool) -> Finding:
    if os.environ.get(f"KIT_{database.name.upper()}_URL"):
        return Finding(
            database=database, backend="external", server="the address in the environment"
        )
    here = within_reach(database)
    if has_engine and not _prefers_process():
        return Finding(database=database, backend="container", server=database.image)
    if here:
        return Finding(database=database, backend="local process", server=_name(here[0]))
    return Finding(
        database=database, backend="", server="not here", remedy=how_to_install(database)
    )


def _prefers_process() -> bool:
    return os.environ.get("KIT_BACKEND") == "process"


def _warnings() -> list[str]:
    try:
        home = paths.ensure_home()
    except KitError as error:
        return [str(error)]
    free = shutil.disk_usage(home).free // 1024**2
    if free < _LOW_MB:
        return [f"Only {free} MB are free where servers keep their files. Free some space."]
    return []


def _name(program: Program) -> str:
    return f"{program.product} {program.version}"


def _line(found: Finding) -> str:
    mark = "✓" if found.ready else "✗"
    return f"{mark} {found.database.title:<11} {found.server:<28} {found.backend}".rstrip()


def _row(found: Finding) -> str:
    state = "✓ ready" if found.ready else "✗ missing"
    backend = found.backend or f"to get it: {found.remedy}"
    cells = (found.database.title, state, found.server, backend)
    styled = (f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in cells)
    return f"<tr>{''.join(styled)}</tr>"
