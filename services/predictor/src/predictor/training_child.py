"""What the training process does: train, register, and load what was registered."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import product

from marketstream.errors import InputError, StateError
from predictor.registry import ModelRegistry, TrainedOn
from predictor.retraining import TrainingJob
from predictor.trainer import Models, Registration, Reply, Wanted


class Trainer:
    """Answers requests one by one; the registry is opened at once, so that no training waits."""

    def __init__(self, registration: Registration | None) -> None:
        self._registration = registration
        self._registry: ModelRegistry | None = None
        if registration is not None:
            with contextlib.suppress(StateError):  # tried again, and said, when it is needed
                self._open(registration)

    def answer(self, request: TrainingJob | Wanted) -> Reply:
        """Train, or load champions."""
        if isinstance(request, Wanted):
            return self._champions(request)
        models = request.run()
        if self._registration is None or not models:
            return Reply({request.market: models})
        return self._registered(self._registration, request, models)

    def _open(self, registration: Registration) -> ModelRegistry:
        if self._registry is None:
            self._registry = ModelRegistry(registration.uri)
        return self._registry

    def _champions(self, wanted: Wanted) -> Reply:
        models: dict[str, Models] = {market: {} for market in wanted.markets}
        where = self._registration
        if where is None:
            return Reply(models)
        try:
            registry = self._open(where)
        except StateError as error:
            return Reply(models, (str(error),))
        complaints = []
        for market, horizon_ms in product(wanted.markets, wanted.horizons_ms):
            try:
                model = registry.champion(market, where.timeframe, horizon_ms, wanted.feature_set)
            except (InputError, StateError) as error:
                complaints.append(str(error))
                continue
            if model is not None:
                models[market][horizon_ms] = model
        return Reply(models, tuple(complaints))

    def _registered(self, registration: Registration, job: TrainingJob, models: Models) -> Reply:
        """Register models and name them by their version; after a failure the rest go without."""
        times = job.table.close_time_ms
        trained_on = TrainedOn(
            market=job.market,
            timeframe=registration.timeframe,
            first_close_ms=int(times[0]),
            last_close_ms=int(times[-1]),
            feature_set=job.feature_set,
            label=job.label,
        )
        named = {
            horizon_ms: replace(model, version=f"unregistered-{model.trained_at_ms}")
            for horizon_ms, model in models.items()
        }
        complaints = []
        try:
            registry = self._open(registration)
            for horizon_ms, model in models.items():
                version = registry.log(model, trained_on, job.settings)
                named[horizon_ms] = replace(model, version=str(version))
        except StateError as error:
            complaints.append(str(error))
        return Reply({job.market: named}, tuple(complaints))
