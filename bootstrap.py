"""Set the kit up on a fresh machine: `make setup` runs this file.

It needs nothing but the standard library, and its syntax is one that Python 3.7 reads, so that an
old Python can say what is missing. Python packages go to `.venv`; servers come from apt where this
user may use it. What cannot be had is named, with what to type, and the rest goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from binder import servers

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
STAMP = VENV / "setup.stamp"
TESTS_LOCK = ROOT / "tests" / "requirements.lock"
TESTS_STAMP = VENV / "tests.stamp"
MINORS = (13, 12, 11)
ROOM = 3 * 10**9  # bytes: 1.2e9 of Python packages, 0.5e9 of servers, downloads

# What a failed step's output holds: what it means, what to type.
SYMPTOMS = (
    ("no space left|os error 28", "the disk is full", "free 3 GB (df -h . /tmp)"),
    (
        "could not get lock|unable to (acquire|lock)|held by process",
        "another apt or dpkg is at work",
        "wait until it is done (pgrep -a 'apt|dpkg|unattended')",
    ),
    (
        "dpkg was interrupted|unmet dependencies",
        "an earlier installation by apt was cut short",
        "sudo dpkg --configure -a && sudo apt-get install --fix-broken",
    ),
    (
        "do not match the hashes|hash mismatch",
        "a download is not the file that requirements.lock names, and was refused",
        "see which package index or proxy answers (pip config list)",
    ),
    ("permission denied", f"files in {ROOT} belong to another user", "sudo chown -R $(id -u) ."),
    (
        "could not resolve|failure (resolving|in name)|unreachable|newconnection|dns error|sending "
        "request|connect(ion)?.?(error|timeout|timed|refused|reset|broken)|no matching distri",
        "the package index did not answer, or lacks a package that requirements.lock names",
        "see to the network and to pip config list (uv reads its own settings only: "
        "KIT_INSTALLER=pip make setup does without it)",
    ),
)


class SetupError(Exception):
    """What happened, the likely cause, what to type next."""


def need_fitting_python(version=sys.version_info):
    """Return under Python 3.11 to 3.13, or start again under one that PATH holds."""
    if version[0] == 3 and version[1] in MINORS:
        return
    names = [f"python3.{minor}" for minor in MINORS]
    for name in names:
        if servers.works(name, "-c", "import venv"):
            os.execvp(name, [name, str(Path(__file__)), *sys.argv[1:]])  # noqa: S606
    command = 'uv python install 3.12 && make setup PYTHON="$(uv python find 3.12)"'
    offered = [name for name in names if servers.works("apt-cache", "show", name)]
    if offered:
        command = f"sudo apt-get install {offered[0]} {offered[0]}-venv && make setup"
    raise SetupError(
        f"Python 3.11, 3.12 or 3.13 is needed; {sys.executable} is {version[0]}.{version[1]} and "
        f"PATH holds no other.\nNext: {command}\n  or: conda env create -f environment.yml"
    )


def explain(title, text):
    """Turn a failed step's output into one message with the next command."""
    for pattern, cause, command in SYMPTOMS:
        if re.search(pattern, text, re.IGNORECASE):
            return f"{title}: {cause}.\nNext: {command}, then make setup"
    return f"{title}: failed as the lines above say.\nNext: make setup, once that is mended"


def run_to_end(command, log, tick):
    """Run a command; on Ctrl-C let it come to its own end first, then raise."""
    asked, passed_on = [], 0
    stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda *_: asked.append(1)) for number in stops]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=str(ROOT)
    )
    while process.poll() is None:
        if passed_on < len(asked):
            passed_on += 1
            with contextlib.suppress(OSError):  # sudo's process belongs to root
                process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            tick()
    for number, handler in zip(stops, before):
        signal.signal(number, handler)
    if asked:
        raise KeyboardInterrupt
    return process.returncode


def step(title, *command):
    """Run a command under one line of progress; show what it printed only if it fails."""
    began, live = time.monotonic(), sys.stdout.isatty()

    def tell(mark, end):
        print(f"{chr(13) * live}{mark} {title} ({time.monotonic() - began:.1f} s)", end=end)
        sys.stdout.flush()

    with tempfile.TemporaryFile("w+", errors="replace") as log:
        status = run_to_end(command, log, lambda: tell("…", "") if live else None)
        log.seek(0)
        text = log.read()
    tell("✗" if status else "✓", "\n")
    if status:
        print("\n".join(f"    {line}" for line in text.splitlines()[-20:]))
        raise SetupError(explain(title, text))


def add_system_packages(names):
    """Install these packages as far as can be; return those that asking again will not bring."""
    root = servers.become_root() if names else None
    if root is not None:
        script = str(ROOT / "binder" / "install_packages.py")
        try:
            title = f"System packages: {' '.join(names)}"
            step(title, *root, sys.executable, "-B", script, *names)
        except SetupError as error:
            print(error)
            return []
    return servers.missing_packages(names)


def need_venv(name):
    """Have the standard library's venv whole; Debian packs a part of it separately."""
    if importlib.util.find_spec("ensurepip") is None:
        add_system_packages([name])
        importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            f"{sys.executable} cannot make virtual environments: a part of Python is missing.\n"
            f"Next: sudo apt-get install {name} && make setup"
        )


def make_venv(use_uv):
    """Make `.venv` unless the one that is there fits."""
    version = sys.version_info[:2]
    test = f"import sys{'' if use_uv else ', pip'}; sys.exit(sys.version_info[:2] != {version})"
    if servers.works(PYTHON, "-c", test):
        return
    free = shutil.disk_usage(str(ROOT)).free
    if free < ROOM:
        raise SetupError(
            f"The disk is too full: {free / 1e9:.1f} GB are free in {ROOT}, 3 GB are needed.\n"
            "Next: free some (df -h .), then make setup"
        )
    shutil.rmtree(str(VENV), ignore_errors=True)
    if not use_uv:
        need_venv("python{}.{}-venv".format(*version))
    tool = ["uv", "venv", "--python", sys.executable] if use_uv else [sys.executable, "-m", "venv"]
    step("Virtual environment", *tool, str(VENV))


def has_uv():
    """Tell whether uv is here and not refused."""
    return os.environ.get("KIT_INSTALLER") != "pip" and servers.works("uv", "--version")


def installer(use_uv):
    """Return the command that installs into `.venv`."""
    if use_uv:
        return ["uv", "pip", "install", "--python", PYTHON]
    return [PYTHON, "-m", "pip", "install", "--no-compile", "--disable-pip-version-check"]


def add_test_packages():
    """Put what only tests need into `.venv`, unless the same is there already."""
    lock = TESTS_LOCK.read_text()
    if TESTS_STAMP.exists() and TESTS_STAMP.read_text() == lock:
        return
    pip = installer(has_uv())
    step("What only tests need", *pip, "--no-deps", "--require-hashes", "-r", str(TESTS_LOCK))
    TESTS_STAMP.write_text(lock)


def add_python_packages():
    """Put the lock and the kit into `.venv`."""
    use_uv = has_uv()
    make_venv(use_uv)
    pip = installer(use_uv)
    title = f"Python packages, by {'uv' if use_uv else 'pip: a minute or two'}"
    # The lock names all there is, so that no dependency needs to be worked out again.
    step(title, *pip, "--no-deps", "--require-hashes", "-r", "requirements.lock")
    step("The kit itself", *pip, "--no-deps", "--no-build-isolation", "-e", ".")


def wanted_packages(with_tests):
    """Return the names in the package lists."""
    lists = [ROOT / "binder" / "apt.txt"]
    if with_tests:
        lists.append(ROOT / "tests" / "apt.txt")
        # Tests start an engine of their own only as root, and where there is one, they use it.
        if os.geteuid() == 0 and not servers.find_program("dockerd"):
            lists.append(ROOT / "tests" / "engine.txt")
    return [name for path in lists for name in path.read_text().split()]


def stamp_key():
    """Return what identifies a set-up: change any of it, and the next one has work to do."""
    installed = sorted((ROOT / "kit" / "config").rglob("*.json"))
    facts = (Path(__file__), ROOT / "pyproject.toml", ROOT / "requirements.lock", *installed)
    key = hashlib.sha256(b"".join(path.read_bytes() for path in facts))
    key.update(f"{ROOT} {sys.version_info[:2]}".encode())
    return key.hexdigest()


def set_up(with_tests):
    """Bring the machine to what the lock and the package lists ask for; do nothing twice."""
    key = stamp_key()
    stamp = STAMP.read_text().split() if STAMP.exists() and Path(PYTHON).exists() else []
    current = stamp[:1] == [key]
    in_vain = set(stamp[1:]) if current else set()
    wanted = [name for name in wanted_packages(with_tests) if name not in in_vain]
    lacking = servers.missing_packages(wanted)
    if current and not lacking:
        missing = ", ".join(servers.lessons_without_server())
        print(f"✓ Set up; without {missing}: see .venv/bin/kit doctor" if missing else "✓ Set up")
        return
    in_vain.update(add_system_packages(lacking))
    if not current:
        add_python_packages()
    STAMP.write_text("\n".join([key, *sorted(in_vain)]))
    if in_vain:
        print(f"Not installed: {', '.join(sorted(in_vain))}.")
    print(servers.report())


def main():
    """Read the command line, set up, and turn every failure into a message."""
    parser = argparse.ArgumentParser(description="Set the kit up in this directory.")
    parser.add_argument("--tests", action="store_true", help="also what only tests need")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    sys.stdout.reconfigure(errors="replace")
    try:
        need_fitting_python()
        lock = os.open(str(ROOT), os.O_RDONLY)  # one set-up at a time; the other one waits
        fcntl.flock(lock, fcntl.LOCK_EX)
        set_up(options.tests)
        if options.tests:
            add_test_packages()
    except SetupError as error:
        sys.exit(f"\n{error}")
    except OSError as error:
        sys.exit(f"\n{explain(f'Set-up: {error}', str(error))}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Next: make setup goes on from here")


if __name__ == "__main__":
    main()
