"""A notebook in this process, and what others see on its server meanwhile."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import kit
from kit.errors import SQLError
from kit.launch.server import Server


@dataclass
class Cell:
    """What one cell showed: its value, its error and all it printed."""

    value: Any
    error: BaseException | None
    text: str


class Notebook:
    """Run cells in an IPython shell of this process, as a notebook does."""

    def __init__(self, server: Server, capture: pytest.CaptureFixture[str]) -> None:
        self.shell = InteractiveShell.instance(config=_quiet())
        self.server = server
        self.shell.user_ns.update(server=server, kit=kit)
        self._capture = capture

    def run(self, code: str) -> Cell:
        self._capture.readouterr()
        outcome = self.shell.run_cell(code)
        output = self._capture.readouterr()
        return Cell(outcome.result, outcome.error_in_exec, output.out + output.err)

    def __call__(self, code: str) -> Any:
        """Run a cell that must not fail, and give its value."""
        cell = self.run(code)
        assert cell.error is None, cell.text
        return cell.value

    def refuses(self, code: str, kind: type[BaseException] = SQLError) -> str:
        """Run a cell that must fail, and give all it printed."""
        cell = self.run(code)
        assert type(cell.error) is kind, cell.text
        assert "Traceback" not in cell.text
        assert "site-packages" not in cell.text
        assert "sqlalche.me" not in cell.text
        return cell.text

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self(f"%%sql\n{statement}")]

    def close(self) -> None:
        magic = self.shell.magics_manager.registry.get("SqlMagic")
        for session in getattr(magic, "sessions", {}).values():
            session.close()
        self.shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


def _quiet() -> Config:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return config


def seen_by_others(server: Server, statement: str = "SELECT id FROM runs ORDER BY id") -> list[Any]:
    with closing(server.connect(autocommit=True)) as client, closing(client.cursor()) as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]
