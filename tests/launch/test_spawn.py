"""No server outlives the process that started it, whatever the machine has to see to that."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.traces import await_true

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends such a process")

PARENT = """
import json, sys, time
from pathlib import Path
from kit.launch.spawn import spawn

spelled = json.loads(sys.argv[1])
print(spawn(spelled, Path(sys.argv[2]), sys.stderr.fileno()).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["setpriv", "busybox", "python"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a PATH with the program that the kit would use, with one like it, and with none."""
    if request.param == "python":
        return str(tmp_path)
    if request.param == "busybox":
        (tmp_path / "busybox").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "busybox").chmod(0o755)
        (tmp_path / "setpriv").symlink_to("busybox")
        return str(tmp_path)
    if not shutil.which("setpriv"):
        pytest.skip("there is no setpriv")
    return os.environ["PATH"]


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _name(pid: int) -> bytes:
    return Path(f"/proc/{pid}/comm").read_bytes()


@pytest.mark.parametrize("account", [None, [65534, 65534]])
def test_a_server_dies_with_a_killed_parent(
    path: str, account: list[int] | None, tmp_path: Path
) -> None:
    if account and os.getuid():
        pytest.skip("only root can change the account")
    sleeping = {"argv": ["/bin/sleep", "60"], "env": {}, "quit": signal.SIGTERM, "account": account}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, json.dumps(sleeping), str(tmp_path)],
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout
        server = int(parent.stdout.readline())
        await_true(lambda: b"sleep" in _name(server), "it is the server")
        owner = Path(f"/proc/{server}").stat().st_uid
        parent.kill()
    await_true(lambda: not _alive(server), "the server is gone")
    assert owner == (account[0] if account else os.getuid())
