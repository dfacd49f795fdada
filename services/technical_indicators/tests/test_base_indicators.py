"""The contract that every indicator of `book/` and `flow/` is held to; they are found by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import FeatureTable, Floats
from marketstream.errors import SettingsError
from marketstream.messages import Candle, Depth, Features
from marketstream.messages.trades import Levels
from technical_indicators.base_indicator import BaseIndicator, base_names
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.operator import FeatureEngine

MARKET = "binance:BTC/USDT"
BASE_MS, EACH = 250, 4
ROWS = 1_200
START_MS = 1_704_067_200_000 + 86_400_000 - 60_000  # a minute before midnight
NAMES = tuple(base_names())

type Entry = str | dict[str, dict[str, int | float]]
OF_LEVELS: list[Entry] = [
    {name: {"levels": levels}}
    for name in ("book_imbalance", "book_microprice", "book_slope", "book_spread")
    for levels in (1, 3, 10)
]
OF_SPANS: list[Entry] = [
    {name: {level: number, "seconds": seconds}}
    for name, level in (("book_ofi", "level"), ("book_ofi_integrated", "levels"))
    for number in (1, 3, 10)
    for seconds in (0.25, 10)
]
OF_TIME: list[Entry] = [
    {name: {"seconds": seconds}}
    for name in NAMES
    if name.startswith(("flow_", "fair_", "mid_a", "mid_v", "trade_", "vwap_d"))
    and name != "mid_age"
    for seconds in (0.5, 2, 5, 30)
]
ENTRIES: tuple[Entry, ...] = (
    *NAMES, *OF_LEVELS, *OF_SPANS, *OF_TIME, {"time_sine": {"hours": 168}},
    {"vwap_session": {"hours": 1}},
)  # fmt: skip


@cache
def moving(rows: int = ROWS) -> tuple[Candle, ...]:
    """Return base candles of a market that moves by ticks, with ten levels of its book."""
    rng = np.random.default_rng(7)
    bid = np.round(100 + np.cumsum(rng.integers(-1, 2, rows) / 100), 2).tolist()
    ticks = rng.integers(1, 4, rows).tolist()
    sizes = np.round(rng.lognormal(size=(rows, 2, 10)), 3).tolist()
    bought, sold = (np.round(rng.lognormal(size=rows) * (rng.random(rows) < 0.6), 4) for _ in "bs")
    age_us = rng.integers(1, BASE_MS * 1_000, rows).tolist()
    candles = []
    for row in range(rows):
        close_ms = START_MS + (row + 1) * BASE_MS
        bids = tuple((round(bid[row] - n / 100, 2), sizes[row][0][n]) for n in range(10))
        ask = round(bid[row] + ticks[row] / 100, 2)
        asks = tuple((round(ask + n / 100, 2), sizes[row][1][n]) for n in range(10))
        buys, sells = float(bought[row]), float(sold[row])
        close = ask if buys > sells else bid[row]
        candles.append(
            Candle(
                market=MARKET, timeframe="250ms",
                open_time_ms=close_ms - BASE_MS, close_time_ms=close_ms,
                open=close, close=close, high=ask, low=bid[row],
                volume=buys + sells, quote_volume=(buys + sells) * close,
                taker_buy_volume=buys, taker_buy_quote_volume=buys * close,
                trade_count=2 * (buys > 0) + (sells > 0),
                bid=bid[row], bid_quantity=bids[0][1], ask=ask, ask_quantity=asks[0][1],
                first_buy=ask if buys else None, first_sell=bid[row] if sells else None,
                depth=Depth(bids, asks, close_ms * 1_000 - age_us[row]),
            )
        )  # fmt: skip
    return tuple(candles)


def as_is(candle: Candle) -> Candle:
    return candle


def still(candle: Candle) -> Candle:
    depth = moving()[0].depth
    assert depth is not None
    return replace(
        candle, open=100.0, high=100.0, low=100.0, close=100.0, bid=99.99, bid_quantity=1.0,
        ask=100.01, ask_quantity=1.0, volume=0.0, quote_volume=0.0, taker_buy_volume=0.0,
        taker_buy_quote_volume=0.0, trade_count=0, first_buy=None, first_sell=None,
        depth=replace(depth, time_us=candle.close_time_ms * 1_000 - 1),
    )  # fmt: skip


def blind(candle: Candle) -> Candle:
    return replace(
        candle, bid=None, bid_quantity=None, ask=None, ask_quantity=None, depth=None,
        first_buy=None, first_sell=None, taker_buy_volume=math.nan,
    )  # fmt: skip


def crossed(candle: Candle) -> Candle:
    depth = candle.depth
    assert depth is not None
    return replace(candle, bid=candle.ask, ask=candle.bid, depth=replace(depth, bids=depth.asks))


def old(candle: Candle) -> Candle:
    assert candle.depth is not None
    time_us = candle.close_time_ms * 1_000 - 10_000_001
    return replace(candle, depth=replace(candle.depth, time_us=time_us))


def thin(candle: Candle) -> Candle:
    depth = candle.depth
    assert depth is not None
    return replace(candle, depth=replace(depth, bids=depth.bids[:4], asks=depth.asks[:2]))


def changed(*changes: Callable[[Candle], Candle]) -> list[Candle]:
    """Return the market with stretches of candles changed, and stretches in which all is well."""
    rng = np.random.default_rng(len(changes))
    candles: list[Candle] = []
    while len(candles) < ROWS:
        change = changes[int(rng.integers(len(changes)))]
        length = int(rng.choice((1, 2, 7, 60)))
        candles += map(change, moving()[len(candles) : len(candles) + length])
    return candles


def with_holes() -> list[Candle]:
    return [c for row, c in enumerate(moving()) if not (300 <= row < 340 or row in (700, 705))]


MARKETS: dict[str, Callable[[], list[Candle]]] = {
    "moving": lambda: list(moving()),
    "still": lambda: [still(candle) for candle in moving()],
    "blind": lambda: [blind(candle) for candle in moving()],
    "now and then": lambda: changed(as_is, as_is, as_is, still, blind, crossed, old, thin),
    "with holes": with_holes,
}


def decided(base: Sequence[Candle]) -> list[Candle]:
    """Return a candle of a second at each full one, with the book of its last base candle."""
    return [
        replace(one, timeframe="1s", open_time_ms=one.close_time_ms - 1_000)
        for one in base
        if one.close_time_ms % 1_000 == 0
    ]


def in_order(base: Sequence[Candle]) -> list[Candle]:
    return sorted((*base, *decided(base)), key=lambda c: (c.close_time_ms, -c.open_time_ms))


def of(*entries: Entry, base: str = "250ms") -> FeatureSet:
    return FeatureSet("1s", base, FeatureSettings(indicators=list(entries)))


def fed(engine: FeatureEngine, candles: Sequence[Candle]) -> list[Features]:
    """Return the whole vectors."""
    made = [features for candle in candles for features in engine.update(candle)]
    return [features for features in made if features.values]


def table_of(messages: Sequence[Features], feature_set: FeatureSet) -> Floats:
    names = [name for each in feature_set.of_base for name in each.names]
    return FeatureTable.of(messages).columns(names)


@pytest.mark.parametrize("kind", MARKETS)
def test_they_stream_the_same_bits_as_in_columns(kind: str) -> None:
    feature_set = of(*ENTRIES)
    base = MARKETS[kind]()
    live = FeatureTable.of(fed(FeatureEngine(MARKET, feature_set, 64), in_order(base)))
    batch = feature_table(decided(base), base, feature_set)
    assert live.names == batch.names == feature_set.names
    for column, name in enumerate(live.names):
        np.testing.assert_array_equal(
            live.values[:, column], batch.values[:, column], err_msg=name, strict=True
        )


@pytest.mark.parametrize("name", NAMES)
def test_it_is_known_as_soon_as_it_has_its_candles(name: str) -> None:
    indicator = BaseIndicator(name, None, "250ms")
    table = feature_table(moving(), moving(), FeatureSet("250ms", "250ms", settings_of(name)))
    values = table.columns(indicator.names)[:, 0]
    assert np.isnan(values[: indicator.lookback]).all()
    assert np.isfinite(values).any()


@pytest.mark.parametrize("rows", [0, 1, 2, 63, 64, 65, 239, 240, 241, ROWS - 1])
def test_they_know_nothing_of_what_comes_after_however_little_there_is(rows: int) -> None:
    feature_set = of(*ENTRIES, base="250ms")
    names = [name for each in feature_set.of_base for name in each.names]
    base = changed(as_is, as_is, still, blind, thin)
    whole, then = (feature_table(each, each, feature_set) for each in (base, base[:rows]))
    np.testing.assert_array_equal(then.columns(names), whole.columns(names)[:rows], strict=True)


def settings_of(*entries: Entry) -> FeatureSettings:
    return FeatureSettings(indicators=list(entries))


def test_without_book_and_prints_none_of_the_book_is_known() -> None:
    feature_set = of(*(name for name, family in base_names().items() if family == "book"))
    base = MARKETS["blind"]()
    assert np.isnan(
        table_of(fed(FeatureEngine(MARKET, feature_set, 64), in_order(base)), feature_set)
    ).all()


@pytest.mark.parametrize("change", [crossed, old])
def test_levels_that_cross_or_are_old_are_missing_and_their_age_is_not(
    change: Callable[[Candle], Candle],
) -> None:
    feature_set = of(*(name for name in NAMES if name.startswith("book_")))
    base = [*moving()[:40], *map(change, moving()[40:44])]
    last = fed(FeatureEngine(MARKET, feature_set, 64), in_order(base))[-1]
    known = {name for each in feature_set.of_base for name in each.names if last.values[name]}
    assert known == {"book_age"}


def test_a_preview_has_the_book_of_now_and_the_rest_as_of_the_last_base_close() -> None:
    feature_set = of(*ENTRIES)
    base = list(moving()[:400])
    engine, undisturbed = (FeatureEngine(MARKET, feature_set, 64) for _ in range(2))
    for candle in in_order(base):
        if candle.timeframe == "1s":
            for forming in (blind(candle), candle):
                [preview] = engine.update(replace(forming, state="forming"))
            [closed] = engine.update(candle)
            assert preview == replace(closed, forming=True)
            assert undisturbed.update(candle) == [closed]
        else:
            assert engine.update(candle) == undisturbed.update(candle)
    [now] = engine.update(replace(crossed(decided(base)[-1]), state="forming"))
    assert (now.values["book_imbalance"], now.values["quote_ofi"]) == (
        None, closed.values["quote_ofi"],
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["now and then", "with holes"])
@pytest.mark.parametrize("cut", [0, 1, 3, 200, 256, 380, 430, 900, 1_399])
def test_after_a_restart_anywhere_it_goes_on_with_the_same_bits(cut: int, kind: str) -> None:
    feature_set = of(*ENTRIES)
    candles = in_order(MARKETS[kind]())
    whole, before, after = (FeatureEngine(MARKET, feature_set, 64) for _ in range(3))
    expected = fed(whole, candles)
    made = fed(before, candles[:cut])
    after.restore(before.snapshot())
    assert after.snapshot() == before.snapshot()
    made += fed(after, candles[cut:])
    np.testing.assert_array_equal(table_of(made, feature_set), table_of(expected, feature_set))
    assert after.snapshot() == whole.snapshot()


def test_after_they_have_settled_none_depends_on_where_the_series_began() -> None:
    of_a_second: list[Entry] = [
        {name: {"seconds": 1}}
        for name in (
            "flow_share", "flow_root_share", "flow_count", "trade_rate", "mid_volatility",
            "mid_autocorrelation", "vwap_distance",
        )
    ]  # fmt: skip
    entries = (*OF_LEVELS, *OF_SPANS, *of_a_second, "mid_age", "quote_depletion", "vwap_session")
    feature_set = FeatureSet("250ms", "250ms", settings_of(*entries))
    base = with_holes()[:-3]
    settled = feature_set.settled_after()
    names = [name for each in feature_set.of_base for name in each.names]
    for begin in (1, 130, 400):
        late = feature_table(base[begin:], base[begin:], feature_set).columns(names)[settled:]
        whole = feature_table(base, base, feature_set).columns(names)[begin + settled :]
        np.testing.assert_allclose(late, whole, rtol=1e-9, atol=1e-9)


def test_what_an_older_version_kept_is_looked_back_on() -> None:
    plain, feature_set = of("RSI"), of("RSI", *NAMES)
    candles = in_order(moving())
    before, after, whole = (FeatureEngine(MARKET, each, 64) for each in (plain, *2 * [feature_set]))
    fed(before, candles[:1_000])
    after.restore(before.snapshot())
    late, expected = fed(after, candles[1_000:])[-1], fed(whole, candles)[-1]
    assert late.values["book_ofi"] == expected.values["book_ofi"]
    assert late.values.keys() == expected.values.keys()


def test_after_a_revision_they_are_those_of_the_candles_as_they_are_now() -> None:
    feature_set = of(*ENTRIES)
    base = list(moving())
    engine = FeatureEngine(MARKET, feature_set, 64)
    fed(engine, in_order(base)[:-1])
    for row in (-7, -3):
        late = base[row]
        base[row] = replace(
            late, close=late.close + 0.5, volume=late.volume + 2.0, revision=1,
            taker_buy_volume=late.taker_buy_volume + 2.0, trade_count=late.trade_count + 1,
            quote_volume=late.quote_volume + 200.0, first_buy=late.close + 0.5,
        )  # fmt: skip
        assert engine.update(base[row]) == []
    now = fed(engine, in_order(base)[-1:])
    batch = feature_table(decided(base), base, feature_set)
    names = [name for each in feature_set.of_base for name in each.names]
    np.testing.assert_array_equal(table_of(now, feature_set)[0], batch.columns(names)[-1])


@pytest.mark.parametrize(
    ("entry", "base", "message"),
    [
        ({"book_imbalance": {"levels": 0}}, "250ms", "does not accept levels: 0; it has to be a"),
        ({"book_imbalance": {"level": 5}}, "250ms", "no parameter 'level': did you mean levels?"),
        ({"quote_ofi": {"seconds": 0.3}}, "250ms", "a multiple of the finest candles, 0.25 s"),
        ({"quote_ofi": {"seconds": -1}}, "250ms", "seconds has to be above 0"),
        ("book_imbalanc", "250ms", "did you mean book_imbalance?"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(
    entry: Entry, base: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        of(entry, base=base)
    assert message in str(refused.value)


def test_what_looks_into_less_than_a_candle_is_left_out_as_spans_are() -> None:
    feature_set = FeatureSet("1m", "1m", settings_of("book_imbalance", "quote_ofi", "RSI"))
    assert feature_set.configured == [("book_imbalance",), (), ("rsi",)]
    assert feature_set.settled_after() == feature_set.candles_needed()
    assert of("RSI", "flow_pressure").settled_after() == 24 * 300
    assert feature_set.names[0] == "rsi"
    assert feature_set.names[-1] == "book_imbalance"


def book(bids: Levels, asks: Levels, row: int) -> Candle:
    """Return a still candle with this book a second before its close."""
    one = still(moving()[row])
    depth = Depth(bids, asks, one.close_time_ms * 1_000 - 1_000_000)
    (bid, bid_quantity), (ask, ask_quantity) = bids[0], asks[0]
    return replace(
        one, bid=bid, bid_quantity=bid_quantity, ask=ask, ask_quantity=ask_quantity, depth=depth
    )


def test_the_formulas_of_the_book_by_value() -> None:
    entries: list[Entry] = [
        {"book_imbalance": {"levels": 1}}, {"book_imbalance": {"levels": 2}},
        {"book_microprice": {"levels": 1}}, {"book_microprice": {"levels": 2}},
        {"book_slope": {"levels": 2}}, {"book_spread": {"levels": 2}}, "book_age",
        {"book_imbalance": {"levels": 3}},
        {"quote_ofi": {"seconds": 0.5}}, {"book_ofi": {"level": 2, "seconds": 0.5}},
        {"book_ofi_integrated": {"levels": 2, "seconds": 0.5}}, "quote_depletion",
    ]  # fmt: skip
    base = [
        book(((98.0, 9.0), (97.0, 9.0)), ((102.0, 9.0), (103.0, 9.0)), 0),
        book(((99.0, 2.0), (98.0, 1.0)), ((101.0, 4.0), (102.0, 5.0)), 1),
        book(((99.0, 6.0), (98.0, 3.0)), ((101.0, 4.0), (102.0, 5.0)), 2),  # +4, +2
        book(((99.0, 3.0), (97.0, 1.0)), ((101.0, 1.0), (103.0, 2.0)), 3),  # -3 + 3, -3 + 5
    ]
    [last] = feature_table(base, base, of(*entries, base="250ms")).values[-1:, -len(entries) :]
    assert last == pytest.approx(
        [
            0.5, (4 - 3) / 7,
            0.5 / 100, ((3 * 99 + 97) / 4 * 3 + (101 + 2 * 103) / 3 * 4) / 7 / 100 - 1,
            (4 / 3 - 3 / 3) / (4 / 3 + 3 / 3), 6 / 100, 1.0,
            math.nan,
            (4 + 0) / 4, (2 + 2) / 4,
            (6 + 2) / (6 + 2), math.log(3 / 6) - math.log(1 / 4),
        ],
        rel=1e-12, nan_ok=True,
    )  # fmt: skip


def weights(seconds: float, rows: int) -> Floats:
    return np.asarray(np.exp(-np.arange(rows)[::-1] * BASE_MS / 1_000 / seconds), np.float64)


def test_the_formulas_of_the_flow_by_value() -> None:
    """Held against sums over all that there was, without a recursion."""
    of_five_seconds: list[Entry] = [
        {name: {"seconds": 5}}
        for name in (
            "flow_share", "flow_root_share", "flow_count", "flow_pressure", "fair_distance",
            "trade_rate", "mid_volatility", "mid_autocorrelation", "vwap_distance",
        )
    ]  # fmt: skip
    entries: list[Entry] = [
        *of_five_seconds, "mid_age", "vwap_session", "time_sine", {"time_cosine": {"hours": 168}},
    ]  # fmt: skip
    base = moving()
    found = feature_table(base, base, of(*entries, base="250ms")).values[-1, -len(entries) :]
    rows = len(base)
    buys = np.array([candle.taker_buy_volume for candle in base])
    sells = np.array([candle.volume for candle in base]) - buys
    trades = np.array([candle.trade_count for candle in base])
    volume, quote = buys + sells, np.array([candle.quote_volume for candle in base])
    mid = np.array([candle.mid for candle in base], np.float64)
    k, usual_k, sigma_k = weights(5, rows), weights(300, rows), weights(120, rows - 1)
    signed, roots = np.sqrt(buys) - np.sqrt(sells), np.sqrt(buys) + np.sqrt(sells)
    usual = (roots * usual_k).sum() / (usual_k.sum() * 0.25)
    fair = (last_logs([c.first_buy for c in base]) + last_logs([c.first_sell for c in base])) / 2
    fair, fair_k = fair[np.isfinite(fair)], k[np.isfinite(fair)]
    changes = np.diff(fair) ** 2
    variance = (changes * sigma_k[-len(changes) :]).sum()
    variance /= sigma_k[-len(changes) :].sum() * 0.25
    moves, returns = np.diff(mid)[-20:], np.diff(mid) / mid[:-1]
    vwap = (quote * k).sum() / (volume * k).sum()
    day = next(row for row, candle in enumerate(base) if candle.open_time_ms % 86_400_000 == 0)
    of_day = quote[day:].sum() / volume[day:].sum()
    expected = [
        ((buys - sells) * k).sum() / (volume * k).sum(),
        (signed * k).sum() / (roots * k).sum(),
        (np.sign(buys - sells) * trades * k).sum() / ((trades * k).sum() + 0.5),
        np.tanh((signed * k).sum() / (2 * 5 * usual)),
        (fair[-1] - (fair * fair_k).sum() / fair_k.sum()) / np.sqrt(variance * 5),
        (trades * k).sum() / (k.sum() * 0.25),
        np.sqrt((returns**2 * k[1:]).sum() / (k[1:].sum() * 0.25)),
        (moves[1:] * moves[:-1]).sum() / (moves**2).sum(),
        base[-1].close / vwap - 1,
        0.25 * int(np.argmax(np.diff(mid)[::-1] != 0)),
        base[-1].close / of_day - 1,
        np.sin(2 * np.pi * (240 / 86_400)),
        np.cos(2 * np.pi * (base[-1].close_time_ms / 604_800_000 % 1)),
    ]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def last_logs(prices: Sequence[float | None]) -> Floats:
    logs, last = [], math.nan
    for price in prices:
        last = last if price is None else math.log(price)
        logs.append(last)
    return np.array(logs)


def test_a_flow_of_long_ago_has_faded_and_is_none() -> None:
    entries: list[Entry] = [{"flow_share": {"seconds": 0.5}}, {"vwap_distance": {"seconds": 0.5}}]
    base = [*moving()[:40], *(still(candle) for candle in moving()[40:])]
    values = feature_table(base, base, of(*entries, base="250ms")).values[:, -2:]
    assert (np.abs(values[100]) > 0).all()
    assert values[-1, 0] == 0.0
    assert math.isnan(values[-1, 1])
