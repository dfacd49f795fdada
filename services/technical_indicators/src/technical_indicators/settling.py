"""How many candles an indicator has to look back on, measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from marketstream.columns import Floats
from marketstream.errors import SettingsError
from technical_indicators.port import COLUMNS, Indicator

_AGREEMENT = 1e-9
_FEWEST = 64
_LONGEST = 16_384


def candles_to_settle(indicators: Sequence[Indicator]) -> int:
    """Return how many candles restore every indicator to within 1e-9 of its full history.

    Measured on a made-up series, since recursive indicators fade at their own speeds.
    """
    needed = _FEWEST
    series = _made_up(_LONGEST)
    for indicator in indicators:
        full = [output[-32:] for output in indicator.batch(series)]
        while needed < indicator.lookback or not _agrees(indicator, series, full, needed):
            needed *= 2
            if needed >= _LONGEST:
                raise SettingsError(
                    f"indicators: {indicator.names[0]} needs more than {_LONGEST} candles to "
                    "settle: shorten its period"
                )
    return needed


def _agrees(
    indicator: Indicator, series: Mapping[str, Floats], full: list[Floats], candles: int
) -> bool:
    recent = {name: column[-candles - 32 :] for name, column in series.items()}
    return all(
        np.allclose(output[-32:], whole, rtol=_AGREEMENT, atol=_AGREEMENT, equal_nan=True)
        for output, whole in zip(indicator.batch(recent), full, strict=True)
    )


def _made_up(rows: int) -> dict[str, Floats]:
    rng = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, rows)))
    opened = np.concatenate(([100.0], close[:-1]))
    reach = np.abs(rng.normal(0, 0.05, (2, rows)))
    high = np.maximum(opened, close) + reach[0]
    low = np.minimum(opened, close) - reach[1]
    volume = rng.lognormal(size=rows)
    columns = (
        opened, high, low, close, volume, volume * rng.random(rows), 1.0 + rng.poisson(3, rows),
        close - 0.01, rng.lognormal(size=rows), close + 0.01, rng.lognormal(size=rows),
    )  # fmt: skip
    return dict(zip(COLUMNS, columns, strict=True))
