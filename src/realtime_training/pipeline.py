"""The one place where services are put together: stages on a runner, with training beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from candles.stage import candles_stage
from marketstream.messages import Features
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner, Later
from marketstream.topics import FEATURES
from predictor.chosen_features import check_computed
from predictor.serving.operator import Predictor
from predictor.serving.stage import predictor_stage
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.history import FeatureHistory
from predictor.training.retraining import Retrainer, Trained, TrainingJob
from technical_indicators.build import feature_set_of
from technical_indicators.feature_set import FeatureSettings
from technical_indicators.stage import technical_indicators_stage

type Execute = Callable[[TrainingJob, Trained], None]
type Installed = Callable[[str, Mapping[int, TrainedModel]], None]


class Pipeline:
    """Trades in, predictions and outcomes out, for all markets of a plan.

    With `preview_ms` there are previews between closes, at most so often a market; with `later`
    taps wait until the predictions are out.
    """

    def __init__(
        self,
        plan: Plan,
        features: FeatureSettings,
        predictor: PredictorSettings,
        *,
        retrain_every_ms: int,
        execute: Execute,
        installed: Installed = lambda _market, _models: None,
        preview_ms: int | None = None,
        later: Later | None = None,
    ) -> None:
        self.plan = plan
        self._installed = installed
        self.feature_set = feature_set_of(plan, features)
        check_computed(predictor.features, self.feature_set.names)
        self.runner = InProcessRunner(
            [
                candles_stage(
                    plan.candle_timeframes,
                    preview=None if preview_ms is None else (plan.timeframe, preview_ms),
                    leaps=True,
                ),
                technical_indicators_stage(self.feature_set, plan),
                predictor_stage(
                    timeframe=plan.timeframe,
                    base=plan.base,
                    horizons_ms=plan.horizons_ms,
                    grace_ms=predictor.outcome_grace_ms,
                    serve=predictor.model.serves,
                ),
            ],
            later=later,
        )
        self.retrainers = {
            market: self._retrainer(market, predictor, retrain_every_ms, execute)
            for market in plan.markets
        }
        self.runner.tap(FEATURES, self._observe)

    def _retrainer(
        self, market: str, settings: PredictorSettings, every_ms: int, execute: Execute
    ) -> Retrainer:
        history = FeatureHistory(
            self.feature_set.names, self.plan.timeframe, self.plan.base, settings.training.most_rows
        )
        return Retrainer(
            market,
            history,
            self.plan.horizons_ms,
            settings,
            every_ms=every_ms,
            latency_ms=self.plan.latency_ms,
            execute=execute,
            install=lambda models: self._install(market, models),
        )

    def _install(self, market: str, models: Mapping[int, TrainedModel]) -> None:
        self.predictor(market).install(models)
        self._installed(market, models)

    def predictor(self, market: str) -> Predictor:
        """Return the prediction operator of a market."""
        return cast("Predictor", self.runner.operator("predictor", market))

    def _observe(self, features: Features, received_ns: int) -> None:
        del received_ns
        if features.forming:
            return
        self.retrainers[features.market].observe(features)
