"""What is said without a model: of what the target was over horizons that are already over.

All are told as logarithms; `walk` gives each a line on them, fitted where the model is fitted.
"""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats, Integers
from predictor.targets.windows import Windows

DECAY = 0.94  # RiskMetrics Technical Document (1996), 5.3, of days: here of horizons
HAR = (
    1,
    5,
    22,
)  # Corsi 2009, Journal of Financial Econometrics 7: day, week, month; here horizons
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def ewma(ended: Floats, closes: int, places: Integers) -> Floats:
    """Return the exponentially weighted mean of the horizons over at each place, one by one.

    `ended` is the target over the horizon that ends at each close; the unknown are left out.
    """
    from scipy.signal import lfilter  # which takes its time, and what runs live can do without

    strided = _strided(ended, closes)
    known = np.isfinite(strided).astype(np.float64)
    sums = lfilter([1 - DECAY], [1, -DECAY], np.nan_to_num(strided), axis=0)
    weights = lfilter([1 - DECAY], [1, -DECAY], known, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (sums / weights).ravel()
    return np.where(places >= 0, means[np.maximum(places, 0)], np.nan)


def har(ended: Floats, closes: int, places: Integers) -> Floats:
    """Return the means over the last 1, 5 and 22 horizons, a column each.

    Where one knows nothing the next longer one stands in; NaN where none does.
    """
    strided = _strided(ended, closes)
    sums = np.cumsum(np.nan_to_num(strided), axis=0)
    counts = np.cumsum(np.isfinite(strided), axis=0)
    columns: list[Floats] = []
    for horizons in reversed(HAR):
        sum_, count = _last(sums, horizons).ravel(), _last(counts, horizons).ravel()
        mean = np.where(count > 0, np.maximum(sum_, 0) / np.maximum(count, 1), np.nan)
        column = np.where(places >= 0, mean[np.maximum(places, 0)], np.nan)
        columns.append(np.where(np.isnan(column), columns[-1], column) if columns else column)
    return np.stack(columns[::-1], axis=1)


def same_hour_of_yesterday(
    ended: Floats, closes: int, rows: Integers, places: Integers, base_ms: int
) -> Floats:
    """Return the mean over the horizons within the hour that began a day before; NaN if unknown.

    Where the horizon is longer than an hour it is the one horizon that began then.
    """
    begins = rows - DAY_MS // base_ms
    firsts = begins + closes
    lasts = begins + np.maximum(closes, HOUR_MS // base_ms)
    ends = np.clip(np.minimum(lasts, places) + 1, 0, None)
    return Windows(ended).between(np.clip(np.minimum(firsts, ends), 0, None), ends)


def _strided(values: Floats, closes: int) -> Floats:
    """Return the values as rows of one horizon each: what is below another is a horizon later."""
    missing = -len(values) % closes
    return np.append(values, np.full(missing, np.nan)).reshape(-1, closes)


def _last(summed: Floats, rows: int) -> Floats:
    """Return the sums over the last `rows` rows of sums over all."""
    last = summed.copy()
    last[rows:] -= summed[:-rows]
    return last
