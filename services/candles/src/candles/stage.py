"""The candles service as a stage: Trades in, Candle out."""

from __future__ import annotations

from candles.aggregation import CandleAggregator
from marketstream.stage import Stage
from marketstream.topics import CANDLES, TRADES


def candles_stage(
    timeframes: list[str], *, preview: tuple[str, int] | None = None, leaps: bool = False
) -> Stage:
    """Return the stage that makes candles of these timeframes.

    `preview` names a timeframe whose candle is also shown as it forms, and how often in ms; `leaps`
    in time are believed at once, as of recordings that end and go on.
    """
    return Stage(
        name="candles",
        reads=(TRADES,),
        writes=(CANDLES,),
        make_operator=lambda market: CandleAggregator(
            market, timeframes, preview=preview, leaps=leaps
        ),
    )
