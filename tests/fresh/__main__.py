"""Prove `make test`, `make lab` and Binder's build on a bare machine, as root and without.

The machine is a Debian tree in a temporary directory, in namespaces of its own: whatever happens,
its mounts and processes vanish with the proof, and the directory is deleted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fresh import machine, memory

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("setup", "test", "lab", "binder")
HOMES = {"root": "/root", "learner": "/home/learner"}
NEEDED = ("debootstrap", "unshare", "pivot_root", "chroot", "git", "tar")
# The first process of a namespace has to reap orphans: a shell does while it waits.
INIT = ("sh", "-c", '"$@"; exit $?', "sh")


def command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fresh ARGS=...", description=__doc__)
    parser.add_argument("--suite", default=machine.release(), help="release to prove (%(default)s)")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--users", nargs="+", choices=HOMES, default=list(HOMES))
    parser.add_argument("--tests", default="", help="arguments of pytest in `make test`")
    parser.add_argument("--tree", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def outside(options: argparse.Namespace) -> int:
    """Build the machine, prove in it, delete it."""
    lacking = [name for name in NEEDED if not shutil.which(name)]
    if os.geteuid() != 0 or lacking:
        what = f"needs {', '.join(lacking)}" if lacking else "needs root"
        sys.exit(f"make fresh {what}.\nNext: sudo apt-get install debootstrap; sudo make fresh")
    if machine.output("git", "-C", str(ROOT), "status", "--porcelain"):
        print("What is not committed is not proven: the machine clones HEAD.")
    tree = Path(tempfile.mkdtemp(prefix="kit-fresh-"))
    try:
        tree.chmod(0o755)
        began = time.monotonic()
        machine.build(tree, options.suite)
        subprocess.run(["chroot", tree, "useradd", "--create-home", "learner"], check=True)
        for user in HOMES:
            clone(tree, user)
        print(f"A bare {options.suite} in {time.monotonic() - began:.0f} s", flush=True)
        again = [sys.executable, "-m", "tests.fresh", "--tree", str(tree), *sys.argv[1:]]
        private = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return subprocess.run([*private, *INIT, *again], cwd=ROOT, check=False).returncode
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", tree], check=False)


def clone(tree: Path, user: str) -> None:
    target = tree / HOMES[user].lstrip("/") / "kit"
    subprocess.run(["git", "clone", "-q", "--no-local", ROOT, target], check=True)
    subprocess.run(["chroot", tree, "chown", "-R", user, f"{HOMES[user]}/kit"], check=True)


def start(tree: Path, user: str, *command: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command in the machine, in the user's clone, with a clean environment."""
    variables = {**machine.environment(), "HOME": HOMES[user], "USER": user}
    place = ["env", "-C", f"{HOMES[user]}/kit"]
    entry = machine.entry(tree, user)
    return subprocess.Popen([*entry, *place, *command], env=variables, text=True, **options)


# What Binder does with a repository, and then every notebook in turn.
ON_BINDER = """
python3 -m venv ~/binder && . ~/binder/bin/activate &&
bash binder/postBuild && kit test --backend process
"""


def prove_binder(tree: Path, user: str) -> None:
    """Build and run as Binder would: no root, no engine, no more memory than Binder gives."""
    print(f"\n== {user}: binder/postBuild, then all notebooks", flush=True)
    began = time.monotonic()
    with memory.capped(memory.BINDER) as (join, limit):
        status = start(tree, user, "sh", "-c", ON_BINDER, preexec_fn=join).wait()
        took = time.monotonic() - began
        print(f"== {took:.1f} s, exit status {status}, {limit}", flush=True)
    if status:
        sys.exit(f"Not proven: {user}: Binder")


def make(tree: Path, user: str, *arguments: str) -> None:
    """Run a target and stop the proof where it fails."""
    print(f"\n== {user}: make {' '.join(arguments)}", flush=True)
    began = time.monotonic()
    status = start(tree, user, "make", *arguments).wait()
    print(f"== {time.monotonic() - began:.1f} s, exit status {status}", flush=True)
    if status:
        sys.exit(f"Not proven: {user}: make {' '.join(arguments)}")


def prove_setup(tree: Path, user: str) -> None:
    before = left_behind(tree)
    make(tree, user, "setup", "SETUP_FLAGS=--tests")
    make(tree, user, "setup")
    for fault in left_behind(tree) - before:
        sys.exit(f"Not proven: set-up leaves {fault}")


def left_behind(tree: Path) -> set[str]:
    """Return enabled services, running programs and a policy against services, if any."""
    units = (tree / "etc/systemd/system").glob("*.wants/*")
    kinds, of_systemd = {".service", ".socket", ".timer"}, ("getty@", "systemd-")
    enabled = {unit.name for unit in units if unit.suffix in kinds}
    enabled = {name for name in enabled if not name.startswith(of_systemd)}
    running = {
        path.read_text().strip()
        for path in Path(tree / "proc").glob("[0-9]*/comm")
        if int(path.parent.name) > 2
    }
    policy = {str(path) for path in (tree / "usr/sbin").glob("policy-rc.d")}
    return enabled | running | policy


def prove_lab(tree: Path, user: str) -> None:
    """Open the address that `make lab` prints, as a person would."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(f"\n== {user}: make lab PORT={port}", flush=True)
    began = time.monotonic()
    with lab(tree, user, port) as lines:
        for line in lines:
            found = re.search(rf"http://127\.0\.0\.1:{port}/\S+\?token=\w+", line)
            if found:
                page = fetch(found[0])
                break
        else:
            sys.exit(f"Not proven: {user}: make lab prints no address")
    if "JupyterLab" not in page:
        sys.exit(f"Not proven: {user}: the address does not lead to JupyterLab")
    print(f"== {time.monotonic() - began:.1f} s until JupyterLab answered", flush=True)


def fetch(address: str) -> str:
    """Return a page of a server that names its address a moment before it listens."""
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def lab(tree: Path, user: str, port: int) -> Iterator[Iterator[str]]:
    """Run `make lab` and give its lines until it is stopped, at the latest after ten minutes."""
    process = start(
        tree, user, "make", "lab", f"PORT={port}",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    signal.alarm(600)
    try:
        yield iter(process.stdout or ())
    finally:
        signal.alarm(0)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def inside(options: argparse.Namespace) -> int:
    """Go through the steps; each user begins with a clone that was never set up."""
    machine.mount(options.tree)
    if "root" not in options.users or not {"setup", "test"} & set(options.steps):
        # Whoever has no root finds the system packages that somebody who has it installed.
        make(options.tree, "root", "setup", "SETUP_FLAGS=--tests")
    for user in options.users:
        for name in STEPS:
            if name == "setup" and name in options.steps:
                prove_setup(options.tree, user)
            elif name == "test" and name in options.steps:
                make(options.tree, user, "test", f"ARGS={options.tests}")
            elif name == "lab" and name in options.steps:
                prove_lab(options.tree, user)
            elif name in options.steps and user != "root":
                prove_binder(options.tree, user)
    print(f"\nProven on {options.suite}: {', '.join(options.steps)} as {', '.join(options.users)}")
    return 0


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("Stopped"))
    asked = command_line()
    sys.exit(inside(asked) if asked.tree else outside(asked))
