"""The command `kit`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from kit import databases
from kit.errors import KitError, UnknownName
from kit.launch.server import Server

if TYPE_CHECKING:
    from kit.rehearsal import Outcome

app = typer.Typer(
    help="Real databases for the lessons, on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)

Names = Annotated[list[str] | None, typer.Argument(help="Databases or servers; all if left out.")]
Books = Annotated[
    list[str] | None, typer.Argument(help="Notebooks, such as redis or 05; all if left out.")
]
Backends = Annotated[
    list[str] | None, typer.Option("--backend", "-b", help="auto, process, container; repeatable.")
]
Name = Annotated[str, typer.Argument(help="The server's name, as `kit status` shows it.")]


def main() -> None:
    """Run the command line; an error of the kit is a message and the exit code 1."""
    code = 0
    try:
        app()
    except KitError as error:
        _fail(str(error))
        code = 1
    except SystemExit as ending:
        if not isinstance(ending.code, int):
            raise
        code = ending.code
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    # Python would wait for half a second more, for threads of pymongo's that watched a server.
    os._exit(code)


@app.command()
def doctor() -> None:
    """Say what is here, what is missing and what to type; exit code 1 if something is missing."""
    from kit.doctor import doctor as examine

    report = examine()
    _out.print(repr(report), markup=False, soft_wrap=True)
    raise typer.Exit(0 if report.healthy else 1)


@app.command()
def up(names: Names = None) -> None:
    """Start databases and keep them running until `kit down`."""
    chosen = [databases.get(name).name for name in names or databases.names()]
    failures: dict[str, str] = {}
    columns = (SpinnerColumn(finished_text=" "), TextColumn("{task.fields[label]:<11}"))
    with Progress(*columns, TextColumn("{task.description}"), TimeElapsedColumn()) as progress:
        starters = [_starter(name, progress, failures) for name in chosen]
        for starter in starters:
            starter.start()
        _wait(starters)
    for name, reason in failures.items():
        _fail(f"{databases.get(name).title}: {reason}")
    raise typer.Exit(1 if failures else 0)


@app.command()
def status() -> None:
    """List the servers that run."""
    found = _running()
    if not found:
        _out.print("No server is running. Start some: kit up redis postgresql")
        return
    table = Table("Name", "Server", "Version", "Backend", "State", "Address", box=None)
    for server in found:
        table.add_row(*_facts(server))
    _out.print(table)


@app.command()
def down(names: Names = None) -> None:
    """Stop servers and remove their data."""
    for server in _chosen(names):
        server.stop()
        _out.print(f"Stopped {server.name}")


@app.command()
def logs(name: Name, lines: Annotated[int, typer.Option("--lines", "-n", min=1)] = 50) -> None:
    """Print what a server wrote last."""
    (server,) = _chosen([name])
    typer.echo(server.logs(lines))


@app.command()
def url(name: Name) -> None:
    """Print a server's address with its password, for another program to connect with."""
    (server,) = _chosen([name])
    typer.echo(str(server.url))


@app.command()
def progress() -> None:
    """Show which exercises are solved."""
    from kit.exercises import progress as solved

    typer.echo(repr(solved()))


@app.command(name="test")
def rehearse(names: Books = None, backend: Backends = None) -> None:
    """Run notebooks on this machine, as on the eve of a workshop; exit code 1 if one fails."""
    from kit import rehearsal

    found = rehearsal.find(names)
    outcomes = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True) as progress:
        for where in backend or ["auto"]:
            for path in found:
                task = progress.add_task(f"{path.stem} ({where})", total=None)
                report = _cells(progress, task)
                outcomes.append(rehearsal.rehearse(path, where, report))
                progress.remove_task(task)
    _out.print(_report(outcomes))
    raise typer.Exit(0 if all(outcome.passed for outcome in outcomes) else 1)


def _cells(progress: Progress, task: Any) -> Callable[[int, int], None]:
    return lambda done, of: progress.update(task, completed=done, total=of)


def _report(outcomes: Sequence[Outcome]) -> Table:
    table = Table("Notebook", "Backend", "Result", "Seconds", "What to do", box=None)
    for one in outcomes:
        result = "✓ passed" if one.passed else f"✗ cell {one.cell}: {one.reason}"
        shown = (one.notebook, one.backend, result, f"{one.seconds:.0f}", one.remedy)
        table.add_row(*map(escape, shown))
    return table


def _starter(name: str, progress: Progress, failures: dict[str, str]) -> threading.Thread:
    task = progress.add_task("Waiting", label=databases.get(name).title, total=1)
    report = _reporter(progress, task)
    # A daemon thread lets Ctrl-C end the command; what was still starting goes with its lease.
    return threading.Thread(target=_start, args=(name, report, failures), daemon=True)


def _reporter(progress: Progress, task: Any) -> Callable[[str, int], None]:
    def report(text: str, done: int = 0) -> None:
        progress.update(task, description=text, completed=done)

    return report


def _start(name: str, report: Callable[..., None], failures: dict[str, str]) -> None:
    from kit.launch.start import start

    try:
        server = start(name, keep=True, progress=report)
    except Exception as error:
        failures[name] = str(error) or type(error).__name__
        report("Failed", 1)
    else:
        report(f"{server.product} {server.version} at {server.address}", 1)


def _wait(starters: Sequence[threading.Thread]) -> None:
    try:
        for starter in starters:
            starter.join()
    except KeyboardInterrupt:
        _fail("Interrupted: what was up stays up, what was starting is removed. See: kit status")
        os._exit(130)


def _running() -> list[Server]:
    from kit.launch.start import running

    return running()


def _chosen(names: Sequence[str] | None) -> list[Server]:
    found = {server.name: server for server in _running()}
    for name in names or ():
        if name not in found:
            raise _not_running(name, list(found))
    return [found[name] for name in names or found]


def _not_running(name: str, running: Sequence[str]) -> UnknownName:
    if running:
        return UnknownName.among("running server", name, running)
    return UnknownName(f"No server called {name!r} is running. Start it: kit up {name}")


def _facts(server: Server) -> tuple[str, ...]:
    shown = (server.name, server.product, server.version, server.backend)
    return (*shown, server.state, server.address)


def _fail(message: str) -> None:
    _err.print(message, markup=False, soft_wrap=True)
