"""Parkinson's volatility: the deviation of the returns of candles, estimated from their reach.

sqrt(sum of ln(high / low)^2 / (4 ln 2 * timeperiod)), as a share of the price. It needs a fifth of
the candles that closes need for the same precision: M. Parkinson, "The Extreme Value Method for
Estimating the Variance of the Rate of Return", Journal of Business 53 (1980), p. 61-65.
"""

from __future__ import annotations

from collections import deque
from math import log

import numpy as np

from marketstream.columns import Floats
from technical_indicators.definition import Definition
from technical_indicators.rolling import rolling_sum, sum_newest_first


class _Parkinson:
    def __init__(self, timeperiod: int) -> None:
        self._squares: deque[float] = deque(maxlen=timeperiod)
        self._scale = _scale(timeperiod)

    def update(self, high: float, low: float) -> float:
        reach = float(np.log(high / low))  # NumPy's, as in columns: math.log has other last bits
        self._squares.append(reach * reach)
        return float(np.sqrt(sum_newest_first(reversed(self._squares)) / self._scale))


def _columnar(high: Floats, low: Floats, timeperiod: int) -> Floats:
    reach = np.log(high / low)
    return np.sqrt(rolling_sum(reach * reach, timeperiod) / _scale(timeperiod))


def _scale(timeperiod: int) -> float:
    return 4 * log(2) * timeperiod


INDICATOR = Definition(
    inputs=("high", "low"),
    parameters={"timeperiod": 20},
    candles=lambda timeperiod: timeperiod,
    streaming=_Parkinson,
    columnar=_columnar,
)
