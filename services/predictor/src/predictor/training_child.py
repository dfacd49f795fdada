"""What the training process does: check, train, register, and load what was registered."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import product

from marketstream.errors import InputError, StateError
from predictor.gates.gate import Gate
from predictor.leakcheck import before_training
from predictor.registry import ModelRegistry
from predictor.retraining import TrainingJob
from predictor.trainer import Models, Registration, Reply, Wanted


class Trainer:
    """Answers requests one by one; the registry is opened at once, so that no training waits."""

    def __init__(self, registration: Registration | None) -> None:
        self._registration = registration
        self._registry: ModelRegistry | None = None
        self._gate = Gate(None if registration is None else registration.data_docs)
        if registration is not None:
            with contextlib.suppress(StateError):  # tried again, and said, when it is needed
                self._open(registration)

    def prepare(self) -> None:
        """Import what no training should wait for, and do what was put off for want of it."""
        self._gate.catch_up()

    def answer(self, request: TrainingJob | Wanted) -> Reply:
        """Train on a set that is as it has to be, or load champions."""
        if isinstance(request, Wanted):
            return self._champions(request)
        verdict = self._gate.check(
            request.table, request.settings,
            market=request.market, label=request.label, now_ms=request.trained_at_ms,
            at_once=True,
        )  # fmt: skip
        complaints = () if verdict.complaint is None else (verdict.complaint,)
        if verdict.refusal is not None:
            return Reply(complaints=complaints, refusal=verdict.refusal)
        leaks = before_training(
            request.table, request.prices, request.horizons_ms, request.settings,
            latency_ms=request.latency_ms, label=request.label,
        )  # fmt: skip
        if leaks:
            return Reply(complaints=complaints, refusal=f"leak: {leaks[0]}")
        models = request.run()
        if self._registration is None or not models:
            return Reply({request.market: models}, complaints)
        reply = self._registered(self._registration, request, models)
        return replace(reply, complaints=(*complaints, *reply.complaints))

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
        trained_on = job.trained_on(registration.timeframe)
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
