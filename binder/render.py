"""Render the conda environments, the compose file and README.md's tables: `make sync`.

The environments follow `pyproject.toml` and `requirements.lock`, the compose file the databases'
modules, the tables these and the notebooks.

With `--check` nothing is written, and a file that differs makes the exit status 1.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from binder import readme
from kit import compose

ROOT = Path(__file__).resolve().parent.parent
RELOCK = (
    "uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 "
    "--generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock"
)
CONDA = ("mongodb", "postgresql", "redis-server")
BY_HAND = """\
# Rendered by `make sync` from pyproject.toml and requirements.lock: edit those.
# conda env create -f environment.yml && conda activate mlops-database-kit
"""
ON_BINDER = """\
# Rendered by `make sync` from pyproject.toml and requirements.lock: edit those.
# The environment of ../environment.yml. It is a file of its own because a path in it would be read
# from this directory: postBuild installs the kit, and the whole lock with its hashes.
"""


def pins(root: Path) -> list[str]:
    """Return each direct dependency, with its extras, at the versions in the lock."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    asked = sum(project["optional-dependencies"].values(), project["dependencies"])
    lock = (root / "requirements.lock").read_text()
    lines = []
    for requirement in asked:
        name, extras = re.findall(r"^([\w.-]+)(\[[\w,]+\])?", requirement)[0]
        locked = re.escape(re.sub(r"[-_.]+", "-", name).lower())
        found = re.findall(rf"^{locked}(==[^\\\n]+?) *\\?$", lock, re.MULTILINE)
        if not found:
            sys.exit(f"requirements.lock has no {name}.\nNext: {RELOCK}")
        lines += [f"{name}{extras}{version}" for version in found]
    return sorted(lines, key=str.lower)


def render(root: Path, *, in_binder: bool) -> str:
    """Return one environment file; the one used by hand ends with the kit itself."""
    lines = [
        "name: mlops-database-kit",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        *(f"  - {server}" for server in CONDA),
        "  - pip:",
        *(f"      - {pin}" for pin in pins(root)),
    ]
    if not in_binder:
        lines.append("      - -e .")
    return (ON_BINDER if in_binder else BY_HAND) + "\n".join(lines) + "\n"


def main(root: Path, *, check: bool) -> int:
    """Write the files, or compare them; return an exit status."""
    status = 0
    texts = {
        "environment.yml": render(root, in_binder=False),
        "binder/environment.yml": render(root, in_binder=True),
        "docker-compose.yml": compose.render(),
        "README.md": readme.fill(root),
    }
    for name, text in texts.items():
        path = root / name
        if path.exists() and path.read_text() == text:
            continue
        if check:
            print(f"{name} does not follow what it is rendered from.\nNext: make sync")
            status = 1
        else:
            path.write_text(text)
            print(f"{name} rendered")
    return status


if __name__ == "__main__":
    sys.exit(main(ROOT, check="--check" in sys.argv))
