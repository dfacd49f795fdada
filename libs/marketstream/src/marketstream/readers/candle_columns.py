"""Which column of candles holds what, and one block of raw columns to candles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketstream.errors import InputError
from marketstream.readers.grammar import Block, Form, Grammar, Reading, plain_name
from marketstream.readers.times import ROUNDED_TIME, is_rounded, read_times_us

type Floats = NDArray[np.float64]

_NAMES: Mapping[str, tuple[str, ...]] = {  # as plain letters; the first that is there counts
    "time": (
        "opentime", "unix", "timestamp", "datetime", "date", "time", "ts", "start", "indexlevel",
    ),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close", "price"),
    "volume": ("volume", "vol", "basevolume", "volumebtc"),
    "taker_buy_volume": (
        "takerbuyvolume", "takerbuybaseassetvolume", "takerbuybasevolume", "takerbuybase",
    ),
    "trade_count": ("count", "numberoftrades", "tradecount", "trades", "tradecounts"),
    "symbol": ("symbol", "pair", "market", "ticker", "instrument", "instid"),
}  # fmt: skip
_QUOTES = ("usdt", "usdc", "busd", "fdusd", "tusd", "usd", "eur", "gbp", "jpy", "krw", "quote")
_NEEDED = ("time", "open", "high", "low", "close", "volume")
_PRICES = ("open", "high", "low", "close")
_COLUMNS = (*_PRICES, "volume", "taker_buy_volume", "trade_count")
_WANTED = "open_time, open, high, low, close, volume"
_KLINE = Form(
    {"time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "trade_count": 8,
     "taker_buy_volume": 9}
)  # fmt: skip
_WITH_COUNT = Form({"time": 0, **{name: at for at, name in enumerate(_COLUMNS[:5], 1)},
                    "trade_count": 6})  # fmt: skip
_PLAIN = Form({"time": 0, **{name: at for at, name in enumerate(_COLUMNS[:5], 1)}})
_KNOWN = {12: _KLINE, 11: _KLINE, 7: _WITH_COUNT, 6: _PLAIN}  # Binance's, Kraken's, ccxt's
_THOUSANDS = {b"k": 1e3, b"m": 1e6, b"b": 1e9}
_SHORTENED = re.compile(rb"([\d.]+)([kmb])", re.IGNORECASE)


def candle_roles(names: Sequence[str]) -> dict[str, int]:
    """Return which of the columns so named holds what; a role that nobody plays is left out."""
    plain = [re.sub(r"\d", "", plain_name(name)) for name in names]
    found = {}
    for role, candidates in _NAMES.items():
        played = [plain.index(name) for name in candidates if name in plain]
        if played:
            found[role] = played[0]
    if "volume" not in found:  # `Volume ETH` beside `Volume USDT`
        of_coins = [
            at
            for at, name in enumerate(plain)
            if name.startswith("volume") and name.removeprefix("volume") not in _QUOTES
        ]
        if of_coins:
            found["volume"] = of_coins[0]
    return found


def holds_candles(names: Sequence[str]) -> bool:
    """Say whether columns so named hold candles, whatever else may be missing."""
    return set(_PRICES) <= candle_roles(names).keys()


def _header(names: Sequence[str], source: str) -> Form | None:
    if not holds_candles(names):
        return None
    roles = candle_roles(names)
    if not set(_NEEDED) <= roles.keys():
        raise InputError(_lacks(names, source))
    return Form(roles)


def _without_header(cells: Sequence[bytes], _source: str) -> Form | None:
    form = _KNOWN.get(len(cells))
    if form is None or any(b"," in cell for cell in cells) or not read_times_us(cells[:1])[1].all():
        return None
    try:
        open_, high, low, close, volume = (float(cell) for cell in cells[1:6])
    except ValueError:
        return None
    within = 0 < low <= min(open_, close) <= max(open_, close) <= high
    return form if within and volume >= 0 else None


def _lacks(names: Sequence[str], source: str) -> str:
    """Say what columns so named do not hold."""
    missing = [role for role in _NEEDED if role not in candle_roles(names)]
    return (
        f"{source}: no column holds the candle's {' or its '.join(missing)} (there are "
        f"{', '.join(names)[:200]}): name columns {_WANTED}"
    )


CANDLES = Grammar("open", _WANTED, _header, _without_header, _lacks)


def read_candle_part(block: Block, reading: Reading) -> dict[str, NDArray[Any]]:
    """Return the usable candles of a block: `time_us`, and columns of floats, NaN where unknown.

    What is no candle is counted and noted.
    """
    block = reading.of_wanted_symbol(block)
    raw = reading.separators.plain(block.raw, _COLUMNS)
    time_us, has_time = read_times_us(raw["time"], reading.dates)
    rows = len(time_us)
    columns = {
        name: _floats(raw[name]) if name in raw else np.full(rows, np.nan) for name in _COLUMNS
    }
    prices = np.stack([columns[name] for name in _PRICES])
    with np.errstate(invalid="ignore"):
        sensible = (prices > 0).all(axis=0) & np.isfinite(prices).all(axis=0)
        within = (columns["high"] == prices.max(axis=0)) & (columns["low"] == prices.min(axis=0))
        traded = (columns["volume"] >= 0) & np.isfinite(columns["volume"])
    rounded = np.zeros(rows, np.bool_)
    for row in np.flatnonzero(~has_time).tolist():
        rounded[row] = is_rounded(raw["time"][row])
    usable = np.ones(rows, np.bool_)
    usable[list(block.broken)] = False
    for reason, wrong in (
        (ROUNDED_TIME, rounded),
        ("no usable time", ~has_time),
        ("no usable price", ~sensible),
        ("high or low that is not the most or least", ~within),
        ("no usable volume", ~traded),
    ):
        if np.any(usable & wrong):
            reading.unusable[reason] += int(np.count_nonzero(usable & wrong))
            usable &= ~wrong
    times = reading.losses.note(usable, time_us, has_time)
    return {"time_us": times} | {name: columns[name][usable] for name in _COLUMNS}


def _floats(texts: list[bytes]) -> Floats:
    """Return the nearest floats, NaN where there is no number."""
    try:
        return np.array(texts, np.bytes_).astype(np.float64)
    except ValueError:
        return np.array([_float(text) for text in texts], np.float64)


def _float(text: bytes) -> float:
    shortened = _SHORTENED.fullmatch(text.strip())
    try:
        if shortened is not None:
            return float(shortened[1]) * _THOUSANDS[shortened[2].lower()]
        return float(text)
    except ValueError:
        return float("nan")
