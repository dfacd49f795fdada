"""The predictor service as a stage: Features in, Prediction and Outcome out."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.stage import Stage
from marketstream.topics import FEATURES, OUTCOMES, PREDICTIONS
from predictor.arena.guest import Guest
from predictor.serving.operator import Predictor
from predictor.settings import Serve


def predictor_stage(
    *,
    timeframe: str,
    base: str,
    horizons_ms: Sequence[int],
    grace_ms: int = 0,
    serve: Serve = "champion",
    guests: Sequence[Guest] = (),
) -> Stage:
    """Return the stage that predicts at closes of `timeframe` and scores on those of `base`."""
    return Stage(
        name="predictor",
        reads=(FEATURES,),
        writes=(PREDICTIONS, OUTCOMES),
        make_operator=lambda market: Predictor(
            market,
            timeframe=timeframe,
            base=base,
            horizons_ms=horizons_ms,
            grace_ms=grace_ms,
            serve=serve,
            guests=guests,
        ),
    )
