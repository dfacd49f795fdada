"""MLflow itself, set to say nothing, and the tables that it needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from predictor.registry.file import uri_of
from predictor.registry.layout import Schema

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # what fails is raised, and said once by whoever asked
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # training goes on without a registry that is away
}


def open_client(uri: str) -> MlflowClient:
    """Return a client of tracking and registry at a URI."""
    _set_environment()
    from mlflow import MlflowClient  # reads the environment; and it takes a second and a half

    return MlflowClient(uri, uri)


def schema() -> Schema:
    """Return the revisions of this MLflow's tables, and its own command that makes them."""
    _set_environment()
    from alembic.script import ScriptDirectory
    from mlflow.db import upgrade
    from mlflow.store import db_migrations

    scripts = ScriptDirectory(db_migrations.__path__[0])
    revisions = [script.revision for script in scripts.walk_revisions()]
    return Schema(
        revisions[::-1],
        lambda path: upgrade.main([uri_of(path)], standalone_mode=False),
    )


def _set_environment() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
