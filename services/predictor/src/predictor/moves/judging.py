"""How far off a forecast of how far was."""

from __future__ import annotations

import numpy as np

from marketstream.messages import MoveForecast, MoveOutcome
from predictor.targets.scores import crps, qlike


def judged(forecast: MoveForecast, came: float) -> MoveOutcome:
    """Return the outcome of a forecast, given what the target was."""
    floor = forecast.floor or 0.0
    counted = max(came, floor)
    said = np.array(forecast.quantiles)
    inside_80 = inside_90 = loss = None
    if len(said) and counted > 0:
        inside_80 = bool(said[1] <= counted <= said[-2])
        inside_90 = bool(said[0] <= counted <= said[-1])
        loss = float(crps(np.log([counted]), np.log(said)[None, :])[0])
    return MoveOutcome(
        market=forecast.market,
        timeframe=forecast.timeframe,
        close_time_ms=forecast.close_time_ms,
        horizon_ms=forecast.horizon_ms,
        target=forecast.target,
        model_name=forecast.model_name,
        model_version=forecast.model_version,
        realised=came,
        still=came <= 0 or came < floor,
        qlike=_loss(counted, forecast.mean),
        baselines={name: _loss(counted, mean) for name, mean in forecast.baselines.items()},
        crps=loss,
        inside_80=inside_80,
        inside_90=inside_90,
    )


def _loss(came: float, mean: float) -> float | None:
    return float(qlike(np.array([came]), np.array([mean]))[0]) if came > 0 and mean > 0 else None
