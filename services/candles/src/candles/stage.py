"""The candles service as a stage: Trades in, Candle out."""

from __future__ import annotations

from candles.aggregation import CandleAggregator
from marketstream.stage import Stage
from marketstream.topics import CANDLES, TRADES


def candles_stage(timeframes: list[str]) -> Stage:
    """Return the stage that makes candles of these timeframes."""
    return Stage(
        name="candles",
        reads=TRADES,
        writes=(CANDLES,),
        make_operator=lambda market: CandleAggregator(market, timeframes),
    )
