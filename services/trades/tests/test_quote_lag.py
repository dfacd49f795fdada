from __future__ import annotations

import random
from pathlib import Path

import pytest

from exchanges.catalogue import venue_named
from exchanges.events import QuoteEvent, TradeEvent
from marketstream.recordings import read_frames
from trades.session.quote_lag import QuoteLag

EVERY_US = 20_000


def walked(lag_us: int, seconds: int = 30, quotes_us: int = 0) -> QuoteLag:
    """Return what is measured on a random walk whose quotes come so much later than it goes on."""
    draws = random.Random(1)
    lag = QuoteLag()
    mid = 10_000
    said: list[tuple[int, int, int, int]] = [(0, 0, mid - 1, mid + 1)]
    for now_us in range(0, seconds * 1_000_000, EVERY_US):
        side = draws.choice((-1, 1))
        said.append((now_us + 1, 1, mid + side, side))
        mid += draws.choice((-2, -1, 0, 0, 1, 2))
        said.append((now_us + 2 + lag_us, 0, mid - 1, mid + 1))
    for received_us, is_trade, one, other in sorted(said):
        if lag.is_measuring and is_trade:
            lag.trade(received_us, one, bought=other > 0)
        elif lag.is_measuring:
            lag.quote(received_us, one, other)
        lag.tick(received_us)
    return lag


@pytest.mark.parametrize("lag_us", [0, 20_000, 75_000, 100_000, 300_000, 700_000])
def test_the_lag_of_quotes_is_measured_on_a_random_walk(lag_us: int) -> None:
    assert walked(lag_us).lag_us == pytest.approx(lag_us, abs=EVERY_US)


def test_few_trades_say_nothing() -> None:
    assert walked(0, seconds=1).lag_us is None


def test_between_two_looks_nothing_is_kept() -> None:
    lag = walked(0)
    assert not lag.is_measuring
    lag.tick(10**9)
    assert lag.is_measuring


@pytest.mark.data
def test_quotes_of_a_recording_follow_its_trades_at_once(market_data: Path) -> None:
    lag = QuoteLag()
    stream = venue_named("binance").stream(["BTC/USDT"], "binance")
    found = set()
    for received_ns, frame in read_frames(
        [market_data / "trades/binance-spot-BTCUSDT-20240808.frames.gz"]
    ):
        event = stream.parse(frame)
        received_us = (received_ns or 0) // 1_000
        if lag.is_measuring and isinstance(event, TradeEvent):
            lag.trade(received_us, event.trade.price, bought=event.trade.taker == "buy")
        elif lag.is_measuring and isinstance(event, QuoteEvent):
            lag.quote(received_us, event.bid, event.ask)
        lag.tick(received_us)
        if lag.lag_us is not None:
            found.add(lag.lag_us)
    assert found
    assert found <= {0, 5_000, 10_000}
