"""What PostgreSQL and MySQL have in common: rows to log, and lessons that run one's own SQL."""

from __future__ import annotations

from typing import Any

from kit.labs import plans, sql, stepper
from kit.widgets.panel import Panel
from tests.browser.hostile.content import IMAGE, LINK, NAMES, SCRIPT, VALUES


def log_runs(server: Any) -> None:
    """Log runs of which every name and setting is hostile, by MLflow."""
    import mlflow

    mlflow.set_tracking_uri(server.url)
    mlflow.set_experiment(experiment_id=mlflow.create_experiment(SCRIPT))
    for name in VALUES:
        with mlflow.start_run(run_name=name[:250], tags={"note": name}):
            mlflow.log_params({"setting": name[:500], "same": LINK})
            mlflow.log_metric("loss", 0.5, step=1)
            mlflow.log_metric("loss", 0.25, step=2)


def literal(text: str) -> str:
    """Quote a text as a literal of SQL, for servers that take backslashes and for others."""
    return "'" + text.replace("'", "''") + "'"


def values() -> str:
    """Select every hostile value."""
    return "SELECT " + ", ".join(map(literal, VALUES))


def console(server: Any, quote: str) -> Panel:
    """Show rows, a schema and an error: all of them hostile."""
    shown = sql.console(server)
    names = ", ".join(f"{literal(n)} AS {named(n, quote)}" for n in NAMES)
    shown.run(f"{values()}; SELECT {names}; SELECT * FROM {named(IMAGE, quote)}.nothing")
    return shown


def named(name: str, quote: str) -> str:
    """Quote a name as SQL does."""
    return quote + name.replace(quote, quote * 2) + quote


def steps(server: Any) -> Panel:
    """Step through statements that return what is hostile."""
    shown = stepper.stepper(server, f"T1 {values()}\nT2 SELECT {literal(SCRIPT)} FROM quota")
    shown.run()
    return shown


def plan(server: Any, table: str, column: str) -> Panel:
    """Explain a query on hostile names."""
    return plans.explore(server, f"SELECT * FROM {table} WHERE {column} = {literal(IMAGE)}")


def difference(server: Any, table: str, column: str) -> Panel:
    """Compare two plans on hostile names."""
    texts = (IMAGE, SCRIPT)
    query = f"SELECT * FROM {table} WHERE {column} = "
    return plans.compare(*(plans.explain(server, query + literal(text)) for text in texts))
