"""Registers what was trained and gives champions, also while the registry is away."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import product

from marketstream.errors import InputError, StateError
from predictor.registry.local import LocalModels, Waiting
from predictor.registry.mlflow import ModelRegistry
from predictor.registry.names import model_name, unregistered_version
from predictor.training.fitting import TrainedModel
from predictor.training.requests import Models, Registration, Serving, Wanted
from predictor.training.retraining import TrainingJob
from predictor.validation.evidence import parameters_of

type Versions = dict[tuple[int, str], str]


class Registrar:
    """A registry that may be away, and copies in the state folder of what it would not give then.

    What cannot be registered serves under a version of its own, and waits; it is registered before
    anything newer.
    """

    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._local = LocalModels(registration.state / "models")
        self._registry: ModelRegistry | None = None
        self._said: list[str] = []
        with contextlib.suppress(StateError):  # tried again, and said, when it is needed
            self._open()

    @property
    def unregistered(self) -> int:
        """How many models wait for the registry."""
        return len(self._local.waiting())

    def register(self, job: TrainingJob, models: Models) -> tuple[Models, tuple[str, ...]]:
        """Register a job's models; return them named by version, and what could not be done."""
        trained_on = job.trained_on(self._registration.timeframe)
        named = {
            horizon_ms: replace(model, version=unregistered_version(model.trained_at_ms))
            for horizon_ms, model in models.items()
        }
        parameters = parameters_of(job.settings)
        for model in named.values():
            self._local.wait(Waiting(model, trained_on, parameters))
        versions, complaint = self.catch_up()
        for horizon_ms, model in named.items():
            name = model_name(job.market, trained_on.timeframe, horizon_ms)
            version = versions.get((model.trained_at_ms, name), model.version)
            named[horizon_ms] = model = replace(model, version=version)
            waiting = Waiting(model, trained_on, parameters)
            self._local.keep_champion(name, job.feature_set, model, waiting)
        return named, self._complaints(complaint)

    def champions(self, wanted: Wanted) -> tuple[dict[str, Models], tuple[str, ...]]:
        """Return champions by market and horizon, and which the registry could not give.

        For those there is the copy of what served last.
        """
        models: dict[str, Models] = {market: {} for market in wanted.markets}
        complaint = self.catch_up()[1]  # what was trained last may have waited
        complaints, away = [complaint], complaint is not None
        for market, horizon_ms in product(wanted.markets, wanted.horizons_ms):
            name = model_name(market, self._registration.timeframe, horizon_ms)
            model, given = None, False
            if not away:
                try:
                    model = self._champion(market, horizon_ms, wanted.feature_set)
                    if model is None:
                        model = self._registered_anew(name, wanted.feature_set)
                    given = True
                except (InputError, StateError) as error:
                    complaints.append(str(error))
                    away = isinstance(error, StateError)
            if not given:
                model = self._local.champion(name, wanted.feature_set)
            elif model is not None:
                self._keep(name, wanted.feature_set, model)
            if model is not None:
                models[market][horizon_ms] = model
        return models, self._complaints(*complaints)

    def changed(self, serving: Serving) -> tuple[dict[str, Models], tuple[str, ...]]:
        """Return the champions that are others than those that serve, and what kept one from it.

        What waits to be registered serves, and is registered first. A registry that is away has
        changed nothing.
        """
        if self.catch_up()[1] is not None:
            return {}, ()
        models: dict[str, Models] = {}
        complaints = []
        try:
            with self._open().roles() as roles:
                champions = roles.champions()
        except StateError as error:
            return {}, (str(error),)
        for market, versions in serving.versions.items():
            for horizon_ms, version in versions.items():
                name = model_name(market, self._registration.timeframe, horizon_ms)
                if champions.get(name, version) == version:
                    continue
                try:
                    model = self._champion(market, horizon_ms, serving.feature_sets[market])
                except (InputError, StateError) as error:
                    complaints.append(str(error))
                    continue
                if model is not None:
                    self._keep(name, serving.feature_sets[market], model)
                    models.setdefault(market, {})[horizon_ms] = model
        return models, self._complaints(*complaints)

    def catch_up(self) -> tuple[Versions, str | None]:
        """Register what waits, in the order of training, until something fails, and say what.

        Returns the versions by time of training and name.
        """
        versions: Versions = {}
        try:
            registry = self._open()
            while waiting := self._local.waiting():
                first = waiting[0]
                version = registry.log(first.model, first.trained_on, first.parameters)
                versions[first.model.trained_at_ms, first.name] = str(version)
                self._local.registered(first)
        except StateError as error:
            return versions, str(error)
        return versions, None

    def _champion(self, market: str, horizon_ms: int, feature_set: str) -> TrainedModel | None:
        timeframe = self._registration.timeframe
        return self._open().champion(market, timeframe, horizon_ms, feature_set)

    def _registered_anew(self, name: str, feature_set: str) -> TrainedModel | None:
        """Register what served last with a registry that has never heard of it: it is a new one."""
        kept = self._local.champion_to_register(name, feature_set)
        registry = self._open()
        if kept is None or registry.knows(name):
            return None
        version = registry.log(kept.model, kept.trained_on, kept.parameters)
        return replace(kept.model, version=str(version))

    def _keep(self, name: str, feature_set: str, model: TrainedModel) -> None:
        """Keep a champion; what is known of how it was trained stays with it."""
        kept = self._local.champion_to_register(name, feature_set)
        same = kept is not None and kept.model.trained_at_ms == model.trained_at_ms
        if kept is None or not same or kept.model.version != model.version:
            self._local.keep_champion(name, feature_set, model, kept if same else None)

    def _open(self) -> ModelRegistry:
        if self._registry is None:
            self._registry = ModelRegistry(self._registration.uri)
            self._said += filter(None, [self._registry.layout.said])
        return self._registry

    def _complaints(self, *complaints: str | None) -> tuple[str, ...]:
        said, self._said = self._said, []
        return (*said, *filter(None, complaints), *self._local.complaints())
