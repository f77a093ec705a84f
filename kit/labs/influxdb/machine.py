"""How busy this machine is: its processors, its memory and, where there is one, its GPU."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from kit.errors import KitError
from kit.labs.influxdb.line import escape
from kit.labs.influxdb.session import Session
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

EVERY = 0.5
"""Seconds between two samples."""

_GPU = ("nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total")
_FORMAT = "--format=csv,noheader,nounits"


def sample() -> dict[str, float]:
    """Return what is in use, in percent: `cpu` since the sample before, `memory`, and any `gpu`."""
    import psutil

    busy = {"cpu": psutil.cpu_percent(), "memory": psutil.virtual_memory().percent}
    return {**busy, **gpu()}


def gpu() -> dict[str, float]:
    """Return the first NVIDIA GPU's use as its driver states it, in percent; empty without one."""
    if shutil.which(_GPU[0]) is None:
        return {}
    try:
        said = subprocess.run(
            [*_GPU, _FORMAT], capture_output=True, text=True, timeout=5, check=True
        ).stdout
        busy, used, total = (float(part) for part in said.splitlines()[0].split(","))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return {}
    return {"gpu": busy, "gpu_memory": 100 * used / total}


def line(values: dict[str, float], at: int) -> str:
    """Write one sample in line protocol, at a time in nanoseconds."""
    fields = ",".join(f"{name}={float(value)!r}" for name, value in values.items())
    return f"machine,host={escape(platform.node() or 'here')} {fields} {at}"


class Recorder:
    """Write a sample every half second until it is stopped; a lost server ends it."""

    def __init__(self, server: Server) -> None:
        self.session = Session(server)
        self.written = 0
        self._watch = Watch(self._look)
        self._begun = False

    def __enter__(self) -> Recorder:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()
        self.session.close()

    def _look(self) -> float:
        values = sample()
        if not self._begun:
            # The processors' use is counted from here: of no time at all there is none.
            self._begun = True
            return EVERY
        try:
            self.session.write([line(values, time.time_ns())])
            self.written += 1
        except KitError:
            self._watch.stop(wait=False)
        return EVERY


def record(server: Server, *, seconds: float) -> int:
    """Write this machine's use for so many seconds, and count the points."""
    with Recorder(server) as recorder:
        time.sleep(seconds)
    return recorder.written
