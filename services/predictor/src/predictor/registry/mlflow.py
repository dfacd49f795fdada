"""The models' registry: MLflow, on a SQLite file beside its artifacts or on a server.

A model is a version of the registered model of its market, timeframe and horizon, such as
`simulator-BTC-USDT-1s-2000ms`; the version under the alias `champion` serves, and one that was not
good enough to take its place is the `challenger`. Each has a run with what it was trained on, how,
and how good it was. Only this module and `client` import MLflow.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from marketstream.errors import InputError, RealtimeError, StateError
from predictor.policy.installation import TRAINED
from predictor.registry import native
from predictor.registry.card import card_of
from predictor.registry.client import open_client, schema
from predictor.registry.description import MODEL_FILE, describe, show, signed, tags_of
from predictor.registry.file import file_of, prepare_file, root_cause
from predictor.registry.layout import Layout
from predictor.registry.names import model_name
from predictor.registry.roles import CHALLENGER, Roles, Term, newest_term, now_ms
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainedOn
from predictor.validation.answers import Answers
from predictor.validation.evidence import ANSWERS_FILE, EVALUATION_FILE, Evidence
from predictor.validation.figures import Evaluation

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "realtime-training"


class ModelRegistry:
    """A registry at an MLflow tracking URI; a new SQLite file takes about two seconds to open.

    The artifacts of a SQLite file are in `mlflow-artifacts` beside it. Everything raises StateError
    where MLflow cannot do it: the disk is full, the file is no database, the server is away.
    `layout` says what had to be done to the file.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.layout = Layout()
        artifacts = None
        with self._explained():
            file = file_of(uri)
            if file is not None:
                self.layout = prepare_file(file, schema)
                artifacts = (file.parent / "mlflow-artifacts").as_uri()
            self._client = open_client(uri)
            self._experiment = self._find_experiment(artifacts)
            self._roles = Roles(self._client)

    def log(
        self,
        model: TrainedModel,
        trained_on: TrainedOn,
        parameters: Mapping[str, object],
        evidence: Evidence | None = None,
    ) -> int:
        """Register a model and return its version; it is champion unless the evidence says no.

        One that served before it could be registered has the tag `served_as`. Where another process
        holds the database for longer than MLflow waits, it tries once more.
        """
        try:
            return self._log(model, trained_on, parameters, evidence)
        except StateError as error:
            if "database is locked" not in str(error):
                raise
        return self._log(model, trained_on, parameters, evidence)

    def champion_evaluation(
        self, market: str, timeframe: str, horizon_ms: int
    ) -> Evaluation | None:
        """Return how good the champion was; None without one, or where nobody walked it forward."""
        version, content = self._of_champion(market, timeframe, horizon_ms, EVALUATION_FILE)
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=Evaluation)
        except msgspec.MsgspecError as error:
            raise _unreadable(version, EVALUATION_FILE, error) from error

    def champion_answers(self, market: str, timeframe: str, horizon_ms: int) -> Answers | None:
        """Return what the champion said walking forward; None where that was not kept."""
        version, content = self._of_champion(market, timeframe, horizon_ms, ANSWERS_FILE)
        try:
            return None if content is None else Answers.load(content)
        except InputError as error:
            raise _unreadable(version, ANSWERS_FILE, error) from error

    def challengers(self, market: str, timeframe: str, horizon_ms: int) -> int:
        """Return how many versions have been registered since the champion."""
        name = model_name(market, timeframe, horizon_ms)
        with self._explained():
            version = self._roles.champion(name)
            if version is None:
                return 0
            newest = self._client.search_model_versions(
                f"name = '{name}'", max_results=1, order_by=["version_number DESC"]
            )
            return int(newest[0].version) - int(version.version)

    def _of_champion(
        self, market: str, timeframe: str, horizon_ms: int, file: str
    ) -> tuple[str, bytes | None]:
        """Return what the champion is called, and a file of it, None where it has none."""
        with self._explained():
            version = self._roles.champion(model_name(market, timeframe, horizon_ms))
            if version is None:
                return "no champion", None
            called = f"{version.name} version {version.version}"
            if version.run_id is None:
                return called, None
            files = {each.path for each in self._client.list_artifacts(version.run_id)}
            return called, self._artifact(version, file) if file in files else None

    def champion(
        self, market: str, timeframe: str, horizon_ms: int, feature_set: str
    ) -> TrainedModel | None:
        """Return the model that serves, named by its version; None where none was registered.

        Raises InputError where it was trained on other features, or its artifact is gone, damaged,
        or of a program whose models were made differently: then one has to be trained anew.
        """
        name = model_name(market, timeframe, horizon_ms)
        with self._explained():
            version = self._roles.champion(name)
        if version is None:
            return None
        trained_on = version.tags.get("feature_set")
        if trained_on != feature_set:
            raise InputError(
                f"{name} version {version.version} was trained on feature set {trained_on}, "
                f"and {feature_set} is computed now"
            )
        try:
            model = native.load(self._artifact(version, MODEL_FILE))
        except InputError as error:
            raise InputError(f"{name} version {version.version}: {error}") from error
        term = newest_term(version)
        named = replace(model, version=str(version.version))
        return named if term is None else replace(named, since_ms=term.since_ms, why=term.why)

    def model(self, name: str, version: str) -> TrainedModel:
        """Return a version; InputError where there is none, or it cannot be read."""
        with self._explained():
            self._roles.version(name, version)
            found = self._client.get_model_version(name, version)
            try:
                return replace(native.load(self._artifact(found, MODEL_FILE)), version=version)
            except InputError as error:
                raise InputError(f"{name} version {version}: {error}") from error

    @contextmanager
    def roles(self) -> Iterator[Roles]:
        """Yield the roles of all registered models; what MLflow cannot do is a StateError."""
        with self._explained():
            yield self._roles

    def knows(self, name: str) -> bool:
        """Say whether a model was ever registered under a name."""
        from mlflow.exceptions import MlflowException

        with self._explained():
            try:
                self._client.get_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return False
            return True

    def _log(
        self,
        model: TrainedModel,
        trained_on: TrainedOn,
        parameters: Mapping[str, object],
        evidence: Evidence | None,
    ) -> int:
        name = model_name(trained_on.market, trained_on.timeframe, model.horizon_ms)
        with self._explained():
            tags = {"market": trained_on.market, "timeframe": trained_on.timeframe}
            run = self._client.create_run(self._experiment, run_name=name, tags=tags)
            run_id = run.info.run_id
            try:
                describe(self._client, run_id, model, trained_on, parameters)
                if evidence is not None:
                    show(self._client, run_id, trained_on.market, model, evidence)
                self._client.log_text(run_id, native.dump(model).decode(), MODEL_FILE)
                self._client.log_text(run_id, signed(model, run_id), "MLmodel")
                tags = tags_of(model, trained_on)
                card = card_of(model, trained_on, evidence)
                version = self._new_version(name, run.info.artifact_uri, run_id, tags, card)
                self._give_role(name, version, model, evidence)
            except Exception:
                self._client.set_terminated(run_id, "FAILED")
                raise
            self._client.set_terminated(run_id)
        return int(version)

    def _new_version(
        self, name: str, source: str, run_id: str, tags: dict[str, str], card: str
    ) -> str:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self._client.create_model_version(
            name, source, run_id, tags=tags, description=card, await_creation_for=0
        )
        return str(version.version)

    def _give_role(
        self, name: str, version: str, model: TrainedModel, evidence: Evidence | None
    ) -> None:
        if evidence is None:
            since_ms = model.trained_at_ms if model.since_ms is None else model.since_ms
            self._roles.appoint(name, version, Term(since_ms, model.why or TRAINED))
        elif evidence.promoted:
            self._roles.appoint(name, version, Term(now_ms(), evidence.reason))
        else:
            self._client.set_registered_model_alias(name, CHALLENGER, version)

    def _artifact(self, version: ModelVersion, name: str) -> bytes:
        from mlflow.exceptions import MlflowException

        if version.run_id is None:
            raise InputError("it was registered by hand, without a run")
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = self._client.download_artifacts(version.run_id, name, folder)
                return Path(path).read_bytes()
            except (MlflowException, OSError) as error:
                raise InputError(f"its artifact cannot be read ({root_cause(error)})") from error

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
                f"the model registry at {self._uri} failed ({root_cause(error)}): look at the "
                "disk and the server, or set MLFLOW_TRACKING_URI to another place"
            ) from error


def _unreadable(version: str, file: str, error: Exception) -> StateError:
    return StateError(
        f"{version}: its {file} cannot be read ({error}): train with --promote always"
    )
