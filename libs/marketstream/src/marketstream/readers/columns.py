"""Which column of trades holds what, and one block of raw columns to trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from marketstream.errors import InputError
from marketstream.readers.candle_columns import CANDLES, holds_candles
from marketstream.readers.grammar import Block, Form, Grammar, Raw, Reading, plain_name
from marketstream.readers.numbers import Flags, Numbers, read_numbers, shortest
from marketstream.readers.table import Part
from marketstream.readers.times import ROUNDED_TIME, is_rounded, read_times_us

_NAMES: Mapping[str, tuple[str, ...]] = {  # the first that is there counts
    "time": (
        "T", "execdate", "tradetime", "transacttime", "timestamp", "time", "timeus", "timems",
        "ts", "datetime", "date", "createdtime", "createdat", "tsevent",
    ),
    "price": ("p", "price", "px", "rate", "tradeprice", "execprice"),
    "quantity": ("q", "quantity", "qty", "amount", "size", "volume", "vol", "sz", "execqty"),
    "side": ("side", "takerside", "aggressorside", "S"),
    "buyer_is_maker": ("m", "isbuyermaker", "buyerismaker", "buyermaker"),
    "id": ("t", "id", "tradeid", "tid", "executionid", "a", "aggtradeid"),
    "first_id": ("f", "firsttradeid", "firstid"),
    "last_id": ("l", "lasttradeid", "lastid"),
    "symbol": ("s", "symbol", "market", "productcode", "productid", "instrumentname", "instrument",
               "instid", "pair"),
}  # fmt: skip
_NEEDED = ("time", "price", "quantity")
_BUYS = (b"buy", b"buyer", b"b", b"bid", b"1")
_SELLS = (b"sell", b"seller", b"s", b"ask", b"a", b"-1")
_TAKERS = {**dict.fromkeys(_BUYS, 1), **dict.fromkeys(_SELLS, -1)}
_MAKERS = {b"true": -1, b"1": -1, b"t": -1, b"false": 1, b"0": 1, b"f": 1}
_LARGEST = 10**15  # a price or quantity beyond this is a mistake
_BOOLEANS = (b"true", b"false")
_ARCHIVE_TRADES = Form(
    {"id": 0, "price": 1, "quantity": 2, "time": 4, "buyer_is_maker": 5}, consecutive=True
)
_ARCHIVE_AGGREGATES = Form(
    {"price": 1, "quantity": 2, "first_id": 3, "last_id": 4, "time": 5, "buyer_is_maker": 6},
    consecutive=True,
)
_KRAKEN = Form({"time": 0, "price": 1, "quantity": 2})
_CCXT = Form({"time": 0, "id": 1, "side": 3, "price": 4, "quantity": 5})  # as freqtrade keeps it
_CCXT_WIDTH = 7
_HOLDS_CANDLES = "holds candles: give the trades they were made of"
_WANTED = "time, price, quantity and, where they are known, side and id"


def roles_of(names: Sequence[str]) -> dict[str, int]:
    """Return which of the columns so named holds what; a role that nobody plays is left out."""
    plain = [plain_name(name) for name in names]
    found: dict[str, int] = {}
    for role, candidates in _NAMES.items():
        played = [plain.index(name) for name in candidates if name in plain]
        if played:
            found[role] = played[0]
    return found


def is_trade(roles: Mapping[str, int]) -> bool:
    """Say whether the roles are enough for a trade."""
    return all(role in roles for role in _NEEDED)


def _lacks(names: Sequence[str], source: str) -> str:
    if holds_candles(names):
        return f"{source}: {_HOLDS_CANDLES}"
    missing = [role for role in _NEEDED if role not in roles_of(names)]
    return (
        f"{source}: no column holds the trade's {' or its '.join(missing)} (there are "
        f"{', '.join(names)[:200]}): name columns {_WANTED}"
    )


def _header(names: Sequence[str], source: str) -> Form | None:
    if holds_candles(names):
        raise InputError(_lacks(names, source))
    roles = roles_of(names)
    return Form(roles) if is_trade(roles) else None


def _without_header(cells: Sequence[bytes], source: str) -> Form | None:
    lower = [cell.lower() for cell in cells]
    if len(cells) in (6, 7) and lower[5] in _BOOLEANS:
        return _ARCHIVE_TRADES
    if len(cells) in (7, 8) and lower[6] in _BOOLEANS:
        return _ARCHIVE_AGGREGATES
    if len(cells) == len(_KRAKEN.roles) and read_times_us(cells[:1])[1].all():
        return _KRAKEN
    if len(cells) == _CCXT_WIDTH and lower[3] in _TAKERS and read_times_us(cells[:1])[1].all():
        return _CCXT
    if CANDLES.without_header(cells, source) is not None:
        raise InputError(f"{source}: {_HOLDS_CANDLES}")
    return None


TRADES = Grammar("price", _WANTED, _header, _without_header, _lacks)


def read_part(block: Block, reading: Reading, *, aggregated: bool = False) -> Part | None:
    """Return the trades of a block, None where there are none; count and note what is not."""
    block = reading.of_wanted_symbol(block)
    numbers = ("price", "quantity")
    raw = reading.separators.plain(block.raw, numbers)
    price = shortest(read_numbers(raw["price"]))
    quantity = shortest(read_numbers(raw["quantity"]))
    time_us, has_time = read_times_us(raw["time"], reading.dates)
    rounded = np.zeros(len(time_us), np.bool_)
    for row in np.flatnonzero(~has_time).tolist():
        rounded[row] = is_rounded(raw["time"][row])
    problems = [
        (ROUNDED_TIME, rounded),
        ("no usable time", ~has_time),
        ("no usable price", _no_number(price)),
        ("no usable quantity", _no_number(quantity)),
        ("price is zero", price.mantissa == 0),
        ("quantity is zero", quantity.mantissa == 0),
    ]
    count = np.ones(len(time_us), np.int64)
    ids = None
    if "first_id" in raw and "last_id" in raw:
        first, last = read_numbers(raw["first_id"]), read_numbers(raw["last_id"])
        ids, count = last.mantissa, last.mantissa - first.mantissa + 1
        has_id = first.ok & last.ok & (count >= 1)
    elif "id" in raw:
        written = read_numbers(raw["id"])
        has_id = written.ok & (written.decimals == 0)
        if reading.has_ids is None:
            reading.has_ids = bool(np.any(written.ok))  # ids in letters tell no order
        ids = written.mantissa if reading.has_ids else None
    if ids is not None:
        problems.append(("no usable id", ~has_id))
        ids = np.where(has_id, ids, -1)
    usable: Flags = np.ones(len(time_us), np.bool_)
    usable[list(block.broken)] = False  # counted where they were found to be damaged
    for reason, wrong in problems:
        if np.any(usable & wrong):
            reading.unusable[reason] += int(np.count_nonzero(usable & wrong))
            usable &= ~wrong
    times = reading.losses.note(usable, time_us, has_time, ids)
    if not np.any(usable):
        return None
    return Part(
        time_us=times,
        price=price.chosen(usable),
        quantity=quantity.chosen(usable),
        taker=_takers(raw)[usable],
        count=count[usable],
        ids=None if ids is None else ids[usable],
        aggregated=aggregated,
        consecutive=block.form.consecutive,
        lines=None if block.lines is None else block.lines[usable],
    )


def _no_number(numbers: Numbers) -> Flags:
    mantissa, decimals, ok = numbers
    return ~ok | (mantissa / 10.0**decimals >= _LARGEST)


def _takers(raw: Raw) -> NDArray[np.int8]:
    sides, values = raw.get("buyer_is_maker"), _MAKERS
    if sides is None:
        sides, values = raw.get("side", [b""] * len(raw["price"])), _TAKERS
    return np.array([values.get(side.strip().lower(), 0) for side in sides], np.int8)
