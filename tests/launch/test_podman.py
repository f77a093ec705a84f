"""The container backend on Podman's socket, where Podman is installed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import ServerGone
from kit.launch import engine
from kit.launch.start import start
from tests.containers import daemon, root
from tests.traces import await_true

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

IMAGE = "localhost/kit-test/redis-on-podman"
PACKAGES = ("redis-server", "bash", "coreutils")


class Podman:
    """Podman with a store of the tests' own, so that nothing of the machine's is touched."""

    def __init__(self, place: Path, run: Path) -> None:
        settings = run / "containers.conf"
        settings.write_text(_settings())
        self.socket = run / "podman.sock"
        self._environment = os.environ | {"CONTAINERS_CONF": str(settings)}
        # Podman remembers both places together.
        self._base = ["podman", "--root", str(place / "store"), "--runroot", str(place / "run")]

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._base, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._base, "system", "service", "--time=0", f"unix://{self.socket}"],
            env=self._environment,
        )


def _settings() -> str:
    """Ask for no more files and processes than this machine allows: Podman's usual is a million."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits = [f"nofile={files}:{files}", "nproc=4096:4096"]
    runtime = "runc" if shutil.which("runc") else "crun"
    return f'[containers]\ndefault_ulimits = {limits}\n[engine]\nruntime = "{runtime}"\n'


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    if os.getuid() != 0 or not shutil.which("podman"):
        pytest.skip("there is no podman here that may serve its socket")
    here = Podman(daemon.folder() / "podman", tmp_path_factory.mktemp("podman"))
    if IMAGE not in here("images", "--format", "{{.Repository}}"):
        _import(here, tmp_path_factory.mktemp("root") / "root.tar")
    service = here.serve()
    try:
        await_true(lambda: _answers(here.socket), "podman's service answers")
        yield here
    finally:
        service.terminate()
        service.wait()


def _answers(socket: Path) -> bool:
    try:
        engine.check(socket)
    except engine.EngineMissing:
        return False
    return True


def _import(podman: Podman, target: Path) -> None:
    try:
        archives = root.Suite(daemon.folder() / "podman-root").download(PACKAGES)
    except root.Unavailable as reason:
        pytest.skip(f"there is no image for podman: {reason}")
    root.write(target, archives)
    changes = [f"--change={line}" for line in ("VOLUME /data", "WORKDIR /data")]
    podman("import", *changes, str(target), f"{IMAGE}:latest")


def test_podman_runs_what_docker_runs(podman: Podman, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIT_BACKEND", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{podman.socket}")
    monkeypatch.setenv("KIT_REDIS_IMAGE", IMAGE)
    with start("redis", name="podded", durable=True) as server:
        assert server.backend == "container"
        with server.connect() as client:
            client.set("kept", 1)
        await_true(lambda: "Ready to accept connections" in server.logs(), "its log is told")
        server.kill()
        with pytest.raises(ServerGone, match="restart"):
            server.connect()
        server.restart()
        with server.connect() as client:
            assert client.get("kept") == b"1"
    assert podman("ps", "--all", "--quiet").strip() == ""
    assert podman("volume", "ls", "--quiet").strip() == ""
