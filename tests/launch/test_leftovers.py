"""Looking for what servers left while the last of it goes."""

from __future__ import annotations

import threading
from pathlib import Path

from kit.launch import leftovers

TIMES = 5000


def test_a_directory_that_goes_while_it_is_looked_for_is_no_error(tmp_path: Path) -> None:
    servers = tmp_path / "servers"

    def come_and_go() -> None:
        for _ in range(TIMES):
            servers.mkdir()
            servers.rmdir()

    other = threading.Thread(target=come_and_go)
    other.start()
    while other.is_alive():
        assert not leftovers.exist(tmp_path)
    (servers / "one").mkdir(parents=True)
    assert leftovers.exist(tmp_path)
