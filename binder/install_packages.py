"""Install system packages as root, so that no service of theirs starts, now or at boot.

    sudo python3 binder/install_packages.py NAME ...

Nothing is removed, upgraded by name or restarted. A name that the distribution does not offer is
said and left out.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from servers import installed

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# The MLOps Database Kit's set-up: start no service.\nexit 101\n"
KEEP = ["--no-remove", "--no-upgrade", "--no-install-recommends"]
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "LC_ALL": "C"}


@contextlib.contextmanager
def services_asleep(policy: Path = POLICY) -> Iterator[None]:
    """Keep packages from starting services; a policy that the machine has is left alone."""
    ours = not policy.exists() or policy.read_text() == POLICY_TEXT
    try:
        if ours:
            policy.write_text(POLICY_TEXT)
            policy.chmod(0o755)
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def apt(*arguments: str) -> int:
    """Run apt-get so that it asks nothing and restarts nothing; return its exit status."""
    options = ["-y", "-o", "DPkg::Lock::Timeout=60", "-o", "Dpkg::Use-Pty=0"]
    return subprocess.run(
        ["apt-get", *options, *arguments], env={**os.environ, **QUIET}, check=False
    ).returncode


def can_install(*names: str) -> bool:
    """Say whether apt would install all of these together."""
    trial = ["apt-get", "install", "--simulate", *KEEP, *names]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def offered(names: list[str]) -> list[str]:
    """Return what apt can install; some releases put a version into the name."""
    if can_install(*names):
        return names
    chosen = []
    for name in names:
        known = subprocess.run(
            ["apt-cache", "pkgnames", name], capture_output=True, text=True, check=False
        ).stdout
        versioned = re.findall(rf"^{re.escape(name)}-[\d.]+$", known, re.MULTILINE)
        candidates = [name, *sorted(versioned, reverse=True)]
        chosen += [one for one in candidates if can_install(one)][:1]
    return chosen


def units_of(packages: set[str]) -> list[str]:
    """Return the systemd units of packages; a template (`name@`) never starts by itself."""
    if not packages:
        return []
    listing = subprocess.run(
        ["dpkg-query", "-L", *packages], capture_output=True, text=True, check=False
    ).stdout
    units = re.findall(
        r"^(?:/usr)?/lib/systemd/system/([^/@]+\.(?:service|socket|timer))$", listing, re.MULTILINE
    )
    return sorted(set(units))


def install(names: list[str], stopped: list[int]) -> int:
    """Install packages and return an exit status: 0 if all that is offered is here.

    A signal that arrives adds to `stopped`, and nothing new begins after it.
    """
    chosen, status = offered(names), 0
    if len(chosen) < len(names):
        status = apt("update")
        chosen = offered(names)
    before = installed()
    with services_asleep():
        try:
            if chosen and not stopped:
                status = apt("install", *KEEP, *chosen)
        finally:
            # Where even systemd comes along, its own units are what a machine boots with.
            units = units_of(installed() - before - {"systemd"})
            if units and shutil.which("systemctl"):
                subprocess.run(["systemctl", "disable", *units], check=False)
    return status or len(stopped)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit(
            "Installing packages is root's.\nNext: sudo python3 binder/install_packages.py ..."
        )
    # apt ends by itself at a safe point; what stands in `finally` must run after it.
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: received.append(number))
    sys.exit(install(sys.argv[1:], received))
