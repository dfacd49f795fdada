"""What one fitting of forecasts of how far needs, ready to be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketstream.columns import CandleColumns, Floats
from predictor.moves.fit import Fit, fit
from predictor.moves.layout import Combination, Layout
from predictor.targets.grid import Grid

COLUMNS = 8


@dataclass(frozen=True, slots=True)
class MovesJob:
    """Closes of a market, and what is to be fitted on them.

    `rows` are closes: time, bid, ask, close, high, low, volume, and whether they are complete.
    """

    market: str
    layout: Layout
    rows: Floats
    wanted: tuple[Combination, ...]

    def run(self) -> tuple[Fit, ...]:
        """Fit what is wanted, as far as there are enough rows."""
        layout = self.layout
        grid = Grid.of(_candles(self.rows, layout), layout.price)
        if not np.isfinite(grid.price).any():
            return ()
        found = (
            fit(
                grid, target, horizon_ms,
                fit_step_ms=layout.fit_step_ms, step_ms=layout.step_ms,
                timeframe=layout.timeframe, latency_ms=layout.latency_ms,
            )
            for target, horizon_ms in self.wanted
        )  # fmt: skip
        return tuple(one for one in found if one is not None)


def _candles(rows: Floats, layout: Layout) -> CandleColumns:
    close_ms = rows[:, 0].astype(np.int64)
    unknown = np.full(len(rows), np.nan)
    return CandleColumns(
        timeframe=layout.timeframe,
        open_time_ms=close_ms - layout.base_ms,
        close_time_ms=close_ms,
        open=unknown,
        high=rows[:, 4],
        low=rows[:, 5],
        close=rows[:, 3],
        volume=rows[:, 6],
        quote_volume=unknown,
        trade_count=unknown,
        taker_buy_volume=unknown,
        taker_buy_quote_volume=unknown,
        complete=rows[:, 7] > 0,
        bid=rows[:, 1],
        ask=rows[:, 2],
    )
