"""The seeded tape: reproducible, seamless over hours, and consistent in itself."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time

import numpy as np
import pytest

from exchange_simulator.market.seeded import FIRST_HOUR, SeededMarket
from exchange_simulator.market.signals import HOUR_US, STEP_US
from exchange_simulator.market.tape import Tape
from marketstream.errors import SettingsError

HOUR = 480_256  # where a span of anchors ends too
START_US = HOUR * HOUR_US
SECOND_US = 1_000_000


def digest(market: SeededMarket, from_us: int, to_us: int) -> str:
    columns = (*market.trades(from_us, to_us), *market.quotes(from_us, to_us))
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


@pytest.fixture(scope="module")
def market() -> SeededMarket:
    return SeededMarket("BTC/USDT", 7)


def test_same_seed_gives_the_same_bytes_in_another_process(market: SeededMarket) -> None:
    hour = f"({START_US}, {START_US + HOUR_US})"
    code = f"""
import hashlib
from exchange_simulator.market.seeded import SeededMarket
market = SeededMarket("BTC/USDT", 7)
columns = (*market.trades(*{hour}), *market.quotes(*{hour}))
print(hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest())
"""
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest(market, START_US, START_US + HOUR_US)


@pytest.mark.parametrize(("symbol", "seed"), [("BTC/USDT", 8), ("ETH/USDT", 7), ("BTC/USDT", -7)])
def test_another_seed_or_symbol_gives_another_tape(
    market: SeededMarket, symbol: str, seed: int
) -> None:
    minute = (START_US, START_US + 60 * SECOND_US)
    assert digest(SeededMarket(symbol, seed), *minute) != digest(market, *minute)


def test_an_hour_made_alone_agrees_with_the_same_hour_in_a_range(market: SeededMarket) -> None:
    whole = market.trades(START_US - HOUR_US, START_US + 2 * HOUR_US)
    alone = SeededMarket("BTC/USDT", 7).trades(START_US, START_US + HOUR_US)
    inside = (whole.time_us >= START_US) & (whole.time_us < START_US + HOUR_US)
    for name, column in alone._asdict().items():
        np.testing.assert_array_equal(getattr(whole, name)[inside], column)


def test_ids_and_sequences_run_on_across_an_hour(market: SeededMarket) -> None:
    trades = market.trades(START_US - 60 * SECOND_US, START_US + 60 * SECOND_US)
    quotes = market.quotes(START_US - 60 * SECOND_US, START_US + 60 * SECOND_US)
    assert (np.diff(trades.id) == 1).all()
    assert (np.diff(quotes.update_id) > 0).all()
    order = np.argsort(np.concatenate((trades.sequence, quotes.sequence)))
    times = np.concatenate((trades.time_us, quotes.time_us))[order]
    assert (np.diff(times) >= 0).all()
    assert len(np.intersect1d(trades.sequence, quotes.sequence)) == 0


def test_an_hour_holds_the_trades_asked_for_in_whole_milliseconds(market: SeededMarket) -> None:
    trades = market.trades(START_US, START_US + HOUR_US)
    assert len(trades.id) == 180_000
    assert (trades.time_us % 1_000 == 0).all()
    assert (trades.quantity >= 1).all()


@pytest.mark.parametrize("hour", [HOUR, HOUR + 1])
def test_price_and_hidden_state_are_continuous_across_an_hour(
    market: SeededMarket, hour: int
) -> None:
    steps = np.arange(-3_000, 3_000)
    hidden = market.hidden_before(hour * HOUR_US + steps * STEP_US + 1)
    for column in (hidden.mid, hidden.reversion, hidden.book, hidden.flow):
        moves = np.diff(column)
        assert abs(moves[2_999]) < 4 * moves.std()


def test_trades_print_at_the_quote_in_force_before_them(market: SeededMarket) -> None:
    trades = market.trades(START_US, START_US + HOUR_US)
    quotes = market.quotes(START_US, START_US + HOUR_US)
    before = np.searchsorted(quotes.sequence, trades.sequence) - 1
    assert before.min() >= 0
    assert (quotes.bid < quotes.ask).all()
    assert (np.minimum(quotes.bid_quantity, quotes.ask_quantity) >= 1).all()
    touched = np.where(trades.buyer_is_maker, quotes.bid[before], quotes.ask[before])
    np.testing.assert_array_equal(trades.price, touched)


def test_ranges_are_half_open(market: SeededMarket) -> None:
    trades = market.trades(START_US, START_US + SECOND_US)
    first, last = int(trades.time_us[0]), int(trades.time_us[-1])
    assert market.trades(first, last).time_us.max() < last
    assert market.trades(first, last + 1).time_us.max() == last
    quotes = market.quotes(START_US, START_US + SECOND_US)
    assert quotes.time_us[0] == START_US
    assert market.quotes(START_US, START_US + 1).update_id.tolist() == [quotes.update_id[0]]
    assert len(market.trades(last, last).id) == len(market.quotes(last, first).bid) == 0


def test_trades_are_found_from_an_id_across_an_hour(market: SeededMarket) -> None:
    known = market.trades(START_US - SECOND_US, START_US + SECOND_US)
    found = market.trades_from_id(int(known.id[0]), len(known.id), START_US + HOUR_US)
    np.testing.assert_array_equal(found.id, known.id)
    np.testing.assert_array_equal(found.price, known.price)
    early = market.trades_from_id(int(known.id[0]), 1_000, START_US)
    np.testing.assert_array_equal(early.id, known.id[known.time_us < START_US])
    assert len(market.trades_from_id(int(known.id[-1]), 10, START_US).id) == 0
    assert len(market.trades_from_id(int(known.id[0]), 0, START_US).id) == 0


def test_quote_at_is_the_newest_at_or_before(market: SeededMarket) -> None:
    quotes = market.quotes(START_US - SECOND_US, START_US + SECOND_US)
    for row in (3, len(quotes.bid) // 2, len(quotes.bid) - 1):
        at, before = int(quotes.time_us[row]), int(quotes.time_us[row]) - 1
        assert market.quote_at(at).update_id.tolist() == [quotes.update_id[row]]
        assert market.quote_at(before).update_id.tolist() == [quotes.update_id[row - 1]]


def test_nothing_happens_before_the_market_begins() -> None:
    market: Tape = SeededMarket("BTC/USDT", 7, trades_per_second=1)
    assert market.start_us == FIRST_HOUR * HOUR_US
    trades = market.trades(0, market.start_us + HOUR_US)
    assert trades.id.tolist() == list(range(3_600))
    assert len(market.quote_at(market.start_us - 1).bid) == 0
    assert len(market.quote_at(market.start_us).bid) == 1
    assert market.trades_from_id(-5, 2, market.start_us + HOUR_US).id.tolist() == [0, 1]


def test_an_hour_is_made_in_under_a_second() -> None:
    seconds = []
    for seed in (1, 2, 3):
        begun = time.process_time()
        SeededMarket("BTC/USDT", seed).quote_at(START_US)
        seconds.append(time.process_time() - begun)
    assert min(seconds) < 1


def test_a_thousand_trades_a_second_trade_at_the_same_quotes(market: SeededMarket) -> None:
    busy = SeededMarket("BTC/USDT", 7, trades_per_second=1_000)
    assert len(busy.trades(START_US, START_US + HOUR_US).id) == 3_600_000
    np.testing.assert_array_equal(
        busy.quotes(START_US, START_US + HOUR_US).bid,
        market.quotes(START_US, START_US + HOUR_US).bid,
    )


@pytest.mark.parametrize(
    ("symbol", "price", "decimals"),
    [("BTC/USDT", 60_000, (2, 5)), ("ETH/USDT", 3_000, (2, 4)), ("SOL/USDT", 150, (3, 3))],
)
def test_prices_stay_near_the_level_for_decades(
    symbol: str, price: float, decimals: tuple[int, int]
) -> None:
    market = SeededMarket(symbol, 1, trades_per_second=0.01)
    assert (market.price_decimals, market.quantity_decimals) == decimals
    hours = FIRST_HOUR + np.arange(1, 9) * 40_000
    mids = market.mids_before(hours * HOUR_US)
    assert (np.abs(np.log(mids / price)) < 0.6).all()


def test_an_unknown_market_has_a_level_of_its_own_whatever_the_seed() -> None:
    quotes = [SeededMarket("FOO/USDT", seed).quote_at(START_US) for seed in (1, 2)]
    mids = [float(quote.bid[0]) for quote in quotes]
    assert abs(np.log(mids[0] / mids[1])) < 1


@pytest.mark.parametrize(
    "settings", [{"trades_per_second": 0}, {"trades_per_second": 1e6}, {"spread_bps": -1}]
)
def test_senseless_settings_are_named(settings: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="choose from"):
        SeededMarket("BTC/USDT", 1, **settings)  # type: ignore[arg-type]
