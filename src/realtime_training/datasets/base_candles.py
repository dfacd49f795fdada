"""Files of any known kind as candles of the base timeframe: what targets beside direction need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from candles.stage import candles_stage
from marketstream.columns import CandleColumns, PriceSeries
from marketstream.errors import InputError, SettingsError
from marketstream.messages import Candle
from marketstream.plan import Plan
from marketstream.readers import kind_of, read_trades
from marketstream.runners.in_process import InProcessRunner
from marketstream.symbols import market_of, parse_symbol
from marketstream.timeframes import timeframe_ms
from marketstream.topics import CANDLES
from predictor.training.prices import Label, choose_label, label_prices
from realtime_training.datasets.klines import read_klines
from realtime_training.datasets.trades import candles_of
from realtime_training.recorded_feed import feed_recording
from realtime_training.recorded_market import told_by
from realtime_training.settings import Settings

_DEFAULT_TIMEFRAME = "1s"
_OF_PRINTS = "1s"  # a fair mid seldom moves more often than that
_OF_CLOSES = "1m"  # finer closes bounce between bid and ask

type Advanced = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class BaseCandles:
    """A market's candles of the base timeframe; decisions are made at closes of `timeframe`.

    `label` says which price moves; `remarks` what was left out of the files.
    """

    symbol: str | None
    timeframe: str
    candles: CandleColumns
    label: Label
    remarks: tuple[str, ...] = ()


def load_candles(
    files: Sequence[Path],
    settings: Settings,
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    label: Label | None = None,
    advanced: Advanced | None = None,
) -> BaseCandles:
    """Return the candles of files that hold one market, and the price that moves in them.

    The base timeframe is the finest that is configured where there is a book, a second where the
    price is made of prints, a minute where it is the close of trades, and of candles their own. A
    label is chosen unless it is given. Raises InputError where the files cannot be read, are of
    several kinds, or have no such price; SettingsError where the timeframes do not fit.
    """
    kinds = sorted({kind_of(file) for file in files})
    if len(kinds) > 1:
        raise InputError(
            f"{', '.join(map(str, files))}: {' and '.join(kinds)} together: give files of one kind"
        )
    if kinds == ["candles"]:
        klines = read_klines(files, symbol=symbol)
        found = BaseCandles(
            klines.table.symbol,
            timeframe or klines.candles.timeframe,
            klines.candles,
            "close",
            klines.remarks(),
        )
        _check_fits(found.timeframe, klines.candles.timeframe)
    else:
        found = _of_trades(files, kinds[0], settings, symbol, timeframe, advanced)
    series = PriceSeries.of(found.candles)
    chosen = label or choose_label(series)
    if not np.isfinite(label_prices(series, chosen)).any():
        raise InputError(
            f"label {chosen}: these data have no such prices; leave --label out for "
            f"{choose_label(series)}"
        )
    return BaseCandles(found.symbol, found.timeframe, found.candles, chosen, found.remarks)


def _of_trades(
    files: Sequence[Path],
    kind: str,
    settings: Settings,
    symbol: str | None,
    timeframe: str | None,
    advanced: Advanced | None,
) -> BaseCandles:
    timeframe = timeframe or _DEFAULT_TIMEFRAME
    if kind == "frames":
        settings, symbol = told_by(files, settings, symbol)
        replayed = _of_frames(files, settings, symbol, timeframe, advanced)
        if np.isfinite(replayed.mid).any():
            return BaseCandles(symbol, timeframe, replayed, "mid")
    trades = read_trades(files, symbol=symbol, advanced=advanced)
    has_sides = bool((trades.taker != 0).any())
    base = min((_OF_PRINTS if has_sides else _OF_CLOSES), timeframe, key=timeframe_ms)
    _check_fits(timeframe, base)
    left_out = [*trades.unusable.items(), *trades.ignored.items()]
    return BaseCandles(
        symbol or trades.symbol,
        timeframe,
        candles_of(trades, base),
        "fair" if has_sides else "close",
        tuple(f"left out: {count:,} x {reason}" for reason, count in left_out),
    )


def _of_frames(
    files: Sequence[Path],
    settings: Settings,
    symbol: str | None,
    timeframe: str,
    advanced: Advanced | None,
) -> CandleColumns:
    """Return the candles that the running system would have made of frames, as first told.

    Raises InputError where the files hold no trade of the symbol.
    """
    if symbol is None:
        raise SettingsError("give --symbol, like BTC/USDT: recorded frames may hold several")
    market = market_of(settings.trades.exchange, parse_symbol(symbol))
    plan = Plan((market,), timeframe, (1,), tuple(settings.candles.timeframes))
    runner = InProcessRunner([candles_stage(plan.candle_timeframes, leaps=True)])
    told: dict[int, Candle] = {}

    def remember(candle: Candle, _received_ns: int) -> None:
        if candle.timeframe == plan.base:
            told.setdefault(candle.open_time_ms, candle)

    runner.tap(CANDLES, remember)
    counts = feed_recording(files, market, plan.base, settings.trades, runner, advanced=advanced)
    if counts.trades == 0:
        raise InputError(
            f"no trades of {symbol} in {', '.join(map(str, files))}: is --symbol right?"
        )
    return CandleColumns.of([told[time] for time in sorted(told)], plan.base)


def _check_fits(timeframe: str, base: str) -> None:
    if timeframe_ms(timeframe) % timeframe_ms(base):
        raise SettingsError(
            f"timeframe {timeframe} is no whole number of candles of {base}: choose a multiple of "
            "it"
        )
