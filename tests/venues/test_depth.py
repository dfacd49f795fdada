"""Levels that are followed live, and stand in candles, are those that the market had."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exchange_simulator import SeededMarket
from exchange_simulator.market.depth import depth_at
from exchanges.catalogue import venue_named, venues
from exchanges.checks import samples_of
from marketstream.messages import Depth, Trades

from .live import LOT, candles_of, followed

LEVELS = 3


@pytest.mark.parametrize("venue", venues())
def test_levels_of_every_venue_are_those_of_the_market(venue: str, tmp_path: Path) -> None:
    tape = SeededMarket(samples_of(venue_named(venue)).symbol, 7, trades_per_second=40.0)
    messages = asyncio.run(followed(venue, tape, tmp_path, enough=enough, levels=LEVELS))
    depths = said(messages)
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    for depth in depths:
        true = []
        for quote_us in tape.quotes(depth.time_us - 2_000_000, depth.time_us + 2_000_000).time_us:
            at = depth_at(tape, int(quote_us) + 1, LEVELS)
            assert at is not None
            true.append([[(p / ticks, round(q / lots, LOT)) for p, q in s] for s in at[2:]])
        levels = [[(p, round(q, LOT)) for p, q in side] for side in (depth.bids, depth.asks)]
        assert levels in true
    shown = [candle.depth for candle in candles_of(messages) if candle.depth is not None]
    assert shown
    assert all(depth in depths for depth in shown)


def enough(messages: list[Trades]) -> bool:
    return len(said(messages)) >= 10


def said(messages: list[Trades]) -> list[Depth]:
    """Return the books that were published and are known."""
    return [one.depth for one in messages if one.depth is not None and one.depth.is_known]
