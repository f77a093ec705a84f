"""The tables in README.md, filled from the notebooks and from the databases' modules."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from kit import databases

_PART = re.compile(r"(<!-- (?P<name>\w+): rendered -->\n).*?(<!-- end -->)", re.DOTALL)
_PICTURES = "notebooks/pictures"


def fill(root: Path) -> str:
    """Return README.md with each marked part rendered anew."""
    tables = {
        "badge": lambda: f"[![Binder](https://mybinder.org/badge_logo.svg)]({binder(root)})\n",
        "lessons": lambda: lessons(root),
        "servers": servers,
    }
    text = (root / "README.md").read_text()
    return _PART.sub(lambda found: f"{found[1]}{tables[found['name']]()}{found[3]}", text)


def lessons(root: Path) -> str:
    """List each notebook: its picture, the question it answers, how much it teaches and asks."""
    lines = ["| | Lesson | The question it answers | Taught | Exercises | |", "|-|-|-|-:|-:|-|"]
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        picture = f"{_PICTURES}/{path.stem}.png"
        shown = f'<img src="{picture}" alt="" width="160">' if (root / picture).exists() else ""
        title, question = _opening(cells[0])
        taught, asked = _count(cells, "teaches:"), _count(cells, "exercise:")
        link = f"[{title}](notebooks/{path.name})"
        live = f"[Binder]({binder(root, path.name)})"
        lines.append(f"| {shown} | {link} | {question} | {taught or ''} | {asked or ''} | {live} |")
    return "\n".join(lines) + "\n"


def binder(root: Path, notebook: str = "00_start_here.ipynb") -> str:
    """Return the address that opens a notebook on Binder, by the project's one setting."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    place = project["urls"]["Repository"].removeprefix("https://github.com/")
    return f"https://mybinder.org/v2/gh/{place}/main?urlpath=lab/tree/notebooks/{notebook}"


def servers() -> str:
    """List what stands behind each name that `kit.start` knows."""
    lines = ["| `kit.start(…)` | in a container | as a local process |", "|-|-|-|"]
    for one in databases.everything():
        ways = {
            what: [way for way in one.install if one.install[way] == what]
            for what in one.install.values()
        }
        locally = ", ".join(f"`{what}` ({', '.join(how)})" for what, how in ways.items())
        lines.append(f"| `{one.name}` | `{one.image}` | {locally} |")
    return "\n".join(lines) + "\n"


def _opening(cell: dict[str, Any]) -> tuple[str, str]:
    lines = "".join(cell["source"]).splitlines()
    question = next((line for line in lines if line.startswith("*")), "")
    return lines[0].removeprefix("# "), question.strip("*")


def _count(cells: list[dict[str, Any]], kind: str) -> int:
    tags = {tag for cell in cells for tag in cell["metadata"].get("tags", [])}
    return sum(tag.startswith(kind) for tag in tags)
