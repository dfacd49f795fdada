"""What came of a prediction, by the prices at both ends."""

from __future__ import annotations

from math import log

from marketstream.messages import Outcome, Prediction
from predictor.serving.decision import VERDICTS
from predictor.serving.forecast import direction_of

type Price = tuple[float | None, float]
"""The mid as of a close, where there was a book, and the last price."""


def measured(prediction: Prediction, start: Price, end: Price) -> Outcome | None:
    """Measure a prediction; None where a hole in the prices leaves nothing to measure by."""
    (start_mid, start_close), (end_mid, end_close) = start, end
    if start_mid is None or end_mid is None:
        return None
    direction = prediction.direction
    verdicts = VERDICTS[direction_of(end_mid - start_mid)]
    return Outcome(  # in the order of its fields: by their names it takes much longer
        prediction.market, prediction.timeframe,
        prediction.close_time_ms, prediction.horizon_ms,
        prediction.role, prediction.model_version,
        end_mid, log(end_mid / start_mid), log(end_close / start_close),
        verdicts[direction], VERDICTS[direction_of(end_close - start_close)][direction],
        prediction.low <= end_mid <= prediction.high,
        {name: verdicts[said] for name, said in prediction.answers.items()},
    )  # fmt: skip
