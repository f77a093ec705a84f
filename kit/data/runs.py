"""A training run, logged by MLflow itself."""

from __future__ import annotations

import getpass
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kit.data import training
from kit.errors import TrackingError, UsageError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from kit.launch.server import Server

_SCHEMES = ("postgresql+", "mysql+", "sqlite:", "mssql+", "postgresql:", "mysql:")
_CHATTY = ("mlflow.store.db.utils", "alembic", "alembic.runtime.migration")


@dataclass(frozen=True)
class TrainingRun:
    """A run as it was logged: its last metrics by name."""

    id: str
    name: str
    experiment: str
    metrics: dict[str, float]


def train(
    target: Server | str,
    *,
    experiment: str = "digits",
    run_name: str | None = None,
    epochs: int = 8,
    learning_rate: float = 0.01,
    seed: int = 0,
    tags: dict[str, str] | None = None,
    pause: float = 0.0,
) -> TrainingRun:
    """Train a linear classifier on the digits and log it with MLflow, epoch by epoch.

    `target` is a server that speaks SQL, or a database URL; the first run ever creates MLflow's
    tables there. Logged are the parameters, two tags, and at each epoch the metrics `loss` (cross
    entropy on the training part), `train_accuracy` and `accuracy` (on the test part). `pause` is
    how many seconds to rest after each epoch, for those who watch. An interrupted run is logged as
    KILLED, a failed one as FAILED. Raise TrackingError where the tracking database refuses.
    """
    uri = _tracking_uri(target)
    params = {
        "model": "SGDClassifier",
        "epochs": epochs,
        "learning_rate": learning_rate,
        "seed": seed,
    }
    name = run_name or f"sgd-lr{learning_rate:g}-seed{seed}"
    with plain_errors(uri):
        client = tracking(uri)
        where = find_experiment(client, experiment)
        run = client.create_run(where, run_name=name, tags={"dataset": "digits"} | (tags or {}))
        metrics: dict[str, float] = {}
        with _outcome(client, run.info.run_id):
            _log(client, run.info.run_id, params=params)
            for epoch, metrics in training.epochs(
                epochs=epochs, learning_rate=learning_rate, seed=seed
            ):
                _log(client, run.info.run_id, metrics=metrics, step=epoch)
                time.sleep(pause)
    return TrainingRun(run.info.run_id, name, experiment, metrics)


def tracking(target: Server | str) -> MlflowClient:
    """Return MLflow's own client for a tracking database, quiet and without telemetry."""
    uri = _tracking_uri(target)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    with _quiet():
        # This creates the tables where there are none, and MLflow tells of every step.
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _log(
    client: MlflowClient,
    run: str,
    *,
    params: dict[str, object] | None = None,
    metrics: dict[str, float] | None = None,
    step: int = 0,
) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    client.log_batch(
        run,
        metrics=[Metric(key, value, now, step) for key, value in (metrics or {}).items()],
        params=[Param(key, str(value)) for key, value in (params or {}).items()],
    )


def find_experiment(client: MlflowClient, name: str) -> str:
    """Find or create an experiment whose files, should there be any, go to a temporary place."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        files = Path(tempfile.gettempdir(), f"kit-artifacts-{getpass.getuser()}")
        try:
            return str(client.create_experiment(name, artifact_location=files.as_uri()))
        except MlflowException:
            # Another notebook may have made it in the meantime.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)


@contextmanager
def _outcome(client: MlflowClient, run: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not _interrupted(error):
            client.set_terminated(run, status="FAILED")
            raise
        _kill(client, run)
        raise KeyboardInterrupt from None
    client.set_terminated(run)


def _interrupted(error: BaseException | None) -> bool:
    """Tell an interrupt even where a driver, cut off in mid-sentence, reports another error."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _kill(client: MlflowClient, run: str) -> None:
    """Mark a run as killed; the interrupted connection may fail once more before it is replaced."""
    from mlflow.exceptions import MlflowException

    try:
        client.set_terminated(run, status="KILLED")
    except MlflowException:
        client.set_terminated(run, status="KILLED")


@contextmanager
def plain_errors(uri: str) -> Iterator[None]:
    """Raise a tracking database's refusal as TrackingError, without the password of its `uri`."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.exceptions import MlflowException

    try:
        with _quiet():
            yield
    except (MlflowException, SQLAlchemyError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        reason = str(getattr(cause, "orig", None) or cause).strip()
        secret = make_url(uri).password
        reason = reason.replace(str(secret), "***") if secret else reason
        raise TrackingError(
            f"MLflow could not log to its database: {reason}\n"
            "Is the server running? Its card says so, and its restart() brings it back."
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's migration log, its tracebacks and its dated calls out of the notebook."""
    from sqlalchemy.exc import SADeprecationWarning

    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SADeprecationWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _tracking_uri(target: Server | str) -> str:
    uri = str(getattr(target, "url", target))
    if not uri.startswith(_SCHEMES):
        raise UsageError(
            "MLflow keeps its runs in an SQL database: give a PostgreSQL or MySQL server, as in "
            'train(kit.start("postgresql")), or a URL such as sqlite:///runs.db.'
        )
    return uri
