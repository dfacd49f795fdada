"""The models' registry: MLflow, on a SQLite file beside its artifacts or on a server.

A model is a version of the registered model of its market, timeframe and horizon, such as
`simulator-BTC-USDT-1s-2000ms`; the version under the alias `champion` serves. Each has a run with
what it was trained on, how, and how good it was. This is the only module that imports MLflow.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from marketstream.errors import InputError, RealtimeError, StateError
from marketstream.symbols import split_market, url_symbol
from predictor import native
from predictor.prices import Label
from predictor.settings import PredictorSettings
from predictor.training import TrainedModel

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "realtime-training"
CHAMPION = "champion"
_SQLITE = "sqlite:///"
_FILE = "model.json"
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # what fails is raised, and said once by whoever asked
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # training goes on without a registry that is away
}


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What data a model was trained on; times are closes, the first and the last row's."""

    market: str
    timeframe: str
    first_close_ms: int
    last_close_ms: int
    feature_set: str
    label: Label


class ModelRegistry:
    """A registry at an MLflow tracking URI; a new SQLite file takes about two seconds to open.

    The artifacts of a SQLite file are in `mlflow-artifacts` beside it. Everything raises StateError
    where MLflow cannot do it: the disk is full, the file is no database, the server is away.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        with self._explained():
            artifacts = _prepare_file(uri)
            self._client = _open_client(uri)
            self._experiment = self._find_experiment(artifacts)

    def log(self, model: TrainedModel, trained_on: TrainedOn, settings: PredictorSettings) -> int:
        """Register a model and make it champion; return its version.

        Where another process holds the database for longer than MLflow waits, it tries once more.
        """
        try:
            return self._log(model, trained_on, settings)
        except StateError as error:
            if "database is locked" not in str(error):
                raise
        return self._log(model, trained_on, settings)

    def champion(
        self, market: str, timeframe: str, horizon_ms: int, feature_set: str
    ) -> TrainedModel | None:
        """Return the model that serves, named by its version; None where none was registered.

        Raises InputError where it was trained on other features, or its artifact is gone, damaged,
        or of a program whose models were made differently: then one has to be trained anew.
        """
        name = model_name(market, timeframe, horizon_ms)
        with self._explained():
            version = self._champion_of(name)
        if version is None:
            return None
        trained_on = version.tags.get("feature_set")
        if trained_on != feature_set:
            raise InputError(
                f"{name} version {version.version} was trained on feature set {trained_on}, "
                f"and {feature_set} is computed now"
            )
        try:
            model = native.load(self._artifact(version))
        except InputError as error:
            raise InputError(f"{name} version {version.version}: {error}") from error
        return replace(model, version=str(version.version))

    def _log(self, model: TrainedModel, trained_on: TrainedOn, settings: PredictorSettings) -> int:
        name = model_name(trained_on.market, trained_on.timeframe, model.horizon_ms)
        with self._explained():
            tags = {"market": trained_on.market, "timeframe": trained_on.timeframe}
            run = self._client.create_run(self._experiment, run_name=name, tags=tags)
            try:
                self._describe(run.info.run_id, model, trained_on, settings)
                self._client.log_text(run.info.run_id, native.dump(model).decode(), _FILE)
                version = self._new_version(
                    name, run.info.artifact_uri, run.info.run_id, trained_on.feature_set
                )
            except Exception:
                self._client.set_terminated(run.info.run_id, "FAILED")
                raise
            self._client.set_terminated(run.info.run_id)
        return version

    def _describe(
        self, run_id: str, model: TrainedModel, trained_on: TrainedOn, settings: PredictorSettings
    ) -> None:
        from mlflow.entities import Metric, Param

        parameters: dict[str, object] = {
            **asdict(trained_on),
            "horizon_ms": model.horizon_ms,
            "latency_ms": model.latency_ms,
            "champion": model.champion.name,
            "learner": settings.model.type,
            "hyperparameters": settings.model.hyperparameters,
            "features": ", ".join(settings.features),
            "validation_split": settings.training.validation_split,
            "level": model.level,
        }
        metrics: dict[str, float] = {
            **{f"log_loss.{name}": loss for name, loss in model.validation.items()},
            "rows": model.rows,
            "trained_at_ms": model.trained_at_ms,
            "move_size": model.move_size,
            "low": model.low,
            "high": model.high,
        }
        self._client.log_batch(
            run_id,
            [Metric(name, value, model.trained_at_ms, 0) for name, value in metrics.items()],
            [Param(name, str(value)) for name, value in parameters.items()],
        )

    def _new_version(self, name: str, source: str, run_id: str, feature_set: str) -> int:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self._client.create_model_version(
            name, source, run_id, tags={"feature_set": feature_set}, await_creation_for=0
        )
        self._client.set_registered_model_alias(name, CHAMPION, version.version)
        return int(version.version)

    def _champion_of(self, name: str) -> ModelVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            # The one for a model that does not exist, the other for an alias.
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def _artifact(self, version: ModelVersion) -> bytes:
        from mlflow.exceptions import MlflowException

        if version.run_id is None:
            raise InputError("it was registered by hand, without a run")
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = self._client.download_artifacts(version.run_id, _FILE, folder)
                return Path(path).read_bytes()
            except (MlflowException, OSError) as error:
                raise InputError(f"its artifact cannot be read ({_reason(error)})") from error

    def _find_experiment(self, artifacts: str | None) -> str:
        """Return the experiment, made where it is missing.

        MLflow writes down where an experiment's artifacts are, for ever: after the state folder
        was moved, the old experiment is set aside, and a new one begins where the folder is now.
        """
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is not None and artifacts not in (None, found.artifact_location):
            aside = f"{EXPERIMENT} {found.experiment_id}"
            self._client.rename_experiment(found.experiment_id, aside)
            found = None
        if found is None:
            return self._client.create_experiment(EXPERIMENT, artifact_location=artifacts)
        return found.experiment_id

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what MLflow could not do: it lets through all that its many layers raise."""
        try:
            yield
        except RealtimeError:
            raise
        except Exception as error:
            raise StateError(
                f"the model registry at {self._uri} failed ({_reason(error)}): look at the "
                "disk and the server, or set MLFLOW_TRACKING_URI to another place"
            ) from error


def model_name(market: str, timeframe: str, horizon_ms: int) -> str:
    """Return what the registered model is called; MLflow takes neither colons nor slashes."""
    exchange, symbol = split_market(market)
    return f"{exchange}-{url_symbol(symbol)}-{timeframe}-{horizon_ms}ms"


def _prepare_file(uri: str) -> str | None:
    """Make sure that a SQLite file can be used; return where its artifacts go.

    MLflow would go on trying for minutes to open a file that it cannot open. With a write-ahead log
    readers never wait for a writer.
    """
    if not uri.startswith(_SQLITE):
        return None
    path = Path(uri.removeprefix(_SQLITE)).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return (path.parent / "mlflow-artifacts").as_uri()


def _open_client(uri: str) -> MlflowClient:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # reads the environment; and it takes a second and a half

    return MlflowClient(uri, uri)


def _reason(error: BaseException) -> str:
    """Return the first line of what an error goes back to: what is wrapped around it is SQL."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [repr(error)])[0]
