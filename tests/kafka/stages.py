"""The three stages of the pipeline with models that are given; run as a script, a worker of one."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry

from candles.stage import candles_stage
from marketstream.metrics import Metrics
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.settings import load_settings
from marketstream.stage import Stage
from marketstream.topics import MOVE_FORECASTS, MOVE_OUTCOMES
from predictor.moves.layout import Layout
from predictor.moves.operator import Moves
from predictor.moves.settings import MovesSettings
from predictor.registry import native
from predictor.serving.beside import PredictorAndMoves
from predictor.serving.operator import Predictor
from predictor.serving.stage import predictor_stage
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.stage import technical_indicators_stage

TIMEFRAMES = ["250ms", "1s"]
HORIZONS_MS = (1_000, 2_000)


def stages(models: Path) -> list[Stage]:
    """Return the stages; `models` is a folder of one file a horizon."""
    predictor = predictor_stage(timeframe="1s", base="250ms", horizons_ms=HORIZONS_MS)

    layout = Layout.of(MovesSettings(horizons=[10, 60]), "1s", 0)
    assert layout is not None

    def with_models(market: str) -> PredictorAndMoves:
        operator = cast("Predictor", predictor.make_operator(market))
        loaded = [native.load(path.read_bytes()) for path in sorted(models.iterdir())]
        operator.install({model.horizon_ms: model for model in loaded})
        return PredictorAndMoves(operator, Moves(market, layout))

    return [
        candles_stage(TIMEFRAMES),
        technical_indicators_stage(FeatureSet("1s", "250ms", FeatureSettings())),
        replace(
            predictor,
            make_operator=with_models,
            writes=(*predictor.writes, MOVE_FORECASTS, MOVE_OUTCOMES),
        ),
    ]


if __name__ == "__main__":
    (stage,) = [one for one in stages(Path(sys.argv[2])) if one.name == sys.argv[1]]
    settings = load_settings(KafkaSettings, None)
    KafkaRunner(stage, settings, Metrics(CollectorRegistry())).run()
