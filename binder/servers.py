"""Which lessons have their server here, which packages are missing, what to type for the rest."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import NamedTuple


class Lesson(NamedTuple):
    """What can serve a lesson; `wheel` says that the Python packages bring a server."""

    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    formula: str = ""
    conda: bool = False
    wheel: bool = False


LESSONS = {
    "PostgreSQL": Lesson(("postgres",), ("postgresql",), "postgresql", conda=True, wheel=True),
    "MySQL": Lesson(
        ("mysqld", "mariadbd"), ("mariadb-server-core", "mariadb-client-core"), "mariadb"
    ),
    "MongoDB": Lesson(("mongod",), conda=True, wheel=True),
    "DynamoDB": Lesson(wheel=True),
    "Redis": Lesson(("redis-server", "valkey-server"), ("redis-server",), "redis", conda=True),
    "Memcached": Lesson(("memcached",), ("memcached",), "memcached"),
    "InfluxDB": Lesson(("influxd",), ("influxdb",), "influxdb@1"),
    "Prometheus": Lesson(("prometheus",), ("prometheus",), "prometheus"),
}
# Where Debian and Homebrew keep servers outside PATH.
HIDDEN = ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/*@*/bin", "usr/local/opt/*@*/bin")


def find_program(name: str) -> str | None:
    """Return a program's path, or None where there is none."""
    hidden = [str(path) for pattern in HIDDEN for path in Path("/").glob(pattern)]
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *hidden]
    return shutil.which(name, path=os.pathsep.join(places))


def works(*command: str) -> bool:
    """Say whether a command exits with 0 within ten seconds."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, check=False, timeout=10
        )
        return done.returncode == 0
    return False


def installed(*names: str) -> set[str]:
    """Return which of these packages, or of all, dpkg has installed."""
    command = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *names]
    text = subprocess.run(command, stdout=PIPE, stderr=DEVNULL, check=False, text=True).stdout
    return {line.split()[1] for line in text.splitlines() if line.startswith("installed ")}


def missing_packages(names: list[str]) -> list[str]:
    """Return the packages still to install, in order; a lesson that has a server needs none."""
    if not names or not shutil.which("apt-get"):
        return []
    present = installed(*names)
    missing = [name for name in names if name not in present]
    served = {
        package
        for lesson in LESSONS.values()
        if set(lesson.packages) & set(missing) and any(map(find_program, lesson.programs))
        for package in lesson.packages
    }
    return [name for name in missing if name not in served]


def lessons_without_server() -> list[str]:
    """Return the titles of the lessons that no program on this machine can serve."""
    return [
        title
        for title, lesson in LESSONS.items()
        if not lesson.wheel and not any(map(find_program, lesson.programs))
    ]


def become_root() -> list[str] | None:
    """Return the words that make a command root's, or None where this user may not."""
    if os.geteuid() == 0:
        return []
    if works("sudo", "-n", "true"):
        return ["sudo", "-n"]
    if shutil.which("sudo") and sys.stdin.isatty():
        print("The servers come from apt. Ctrl-C at the password goes on without them.")
        with contextlib.suppress(KeyboardInterrupt):
            if subprocess.run(["sudo", "-v"], check=False).returncode == 0:
                return ["sudo", "-n"]
    return None


def report() -> str:
    """Say which lessons will work here, and what to type for the others."""
    lacking = lessons_without_server()
    here = ", ".join(title for title in LESSONS if title not in lacking)
    if not lacking:
        return "All eight lessons have their server."
    if any(works(engine, "info") for engine in ("docker", "podman")):
        return f"Servers are here for {here}; {', '.join(lacking)} will run in containers."
    return "\n".join(
        [
            f"These lessons will work: {here}.",
            f"These lack a server: {', '.join(lacking)}. Any one of these lines brings it:",
            *(f"  {line}" for line in remedies(lacking)),
        ]
    )


def remedies(lacking: list[str]) -> list[str]:
    """Return the lines to type for lessons that lack a server, the nearest first."""
    lessons = [LESSONS[title] for title in lacking]
    lines = []
    if shutil.which("apt-get"):
        packages = " ".join(package for lesson in lessons for package in lesson.packages)
        lines.append(f"sudo python3 binder/install_packages.py {packages}   (starts no service)")
    else:
        formulas = " ".join(lesson.formula for lesson in lessons)
        lines.append(f"brew install {formulas}   (Homebrew, on macOS and Linux)")
    conda = [title for title in lacking if LESSONS[title].conda]
    if conda:
        lines.append(
            f"conda env create -f environment.yml && conda activate mlops-database-kit"
            f"   (brings {', '.join(conda)})"
        )
    lines.append("start Docker or Podman: the lessons then run in containers")
    return lines
