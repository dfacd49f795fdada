"""Which column holds what, and one block of raw columns to trades."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from marketstream.errors import InputError
from marketstream.readers.numbers import Flags, Numbers, read_numbers, shortest
from marketstream.readers.table import Part
from marketstream.readers.times import read_times_us

type Role = Literal[
    "time", "price", "quantity", "side", "buyer_is_maker", "id", "first_id", "last_id", "symbol"
]
type RawColumns = dict[Role, list[bytes]]

_NAMES: dict[Role, tuple[str, ...]] = {  # the first that is there counts
    "time": (
        "T", "execdate", "tradetime", "transacttime", "timestamp", "time", "timeus", "timems",
        "ts", "datetime", "date", "createdtime", "createdat",
    ),
    "price": ("p", "price", "px", "rate", "tradeprice", "execprice"),
    "quantity": ("q", "quantity", "qty", "amount", "size", "volume", "vol", "sz", "execqty"),
    "side": ("side", "takerside", "S"),
    "buyer_is_maker": ("m", "isbuyermaker", "buyerismaker", "buyermaker"),
    "id": ("t", "id", "tradeid", "tid", "executionid", "a", "aggtradeid"),
    "first_id": ("f", "firsttradeid", "firstid"),
    "last_id": ("l", "lasttradeid", "lastid"),
    "symbol": ("s", "symbol", "market", "productcode", "productid", "instrumentname", "instrument",
               "instid", "pair"),
}  # fmt: skip
_NEEDED: tuple[Role, ...] = ("time", "price", "quantity")
_TAKERS = {b"buy": 1, b"b": 1, b"bid": 1, b"1": 1, b"sell": -1, b"s": -1, b"ask": -1, b"-1": -1}
_MAKERS = {b"true": -1, b"1": -1, b"t": -1, b"false": 1, b"0": 1, b"f": 1}
_LARGEST = 10**15  # a price or quantity beyond this is a mistake


@dataclass
class Reading:
    """What is learned while files are read: what was left out, and whose trades there are."""

    wanted: str | None = None
    unusable: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    symbols: dict[str, str] = field(default_factory=dict)  # plain: as it was written first
    has_ids: bool | None = None  # in the file being read
    layouts: dict[int, dict[Role, int]] = field(default_factory=dict)  # by the number of columns


def plain_symbol(symbol: str) -> str:
    """Return the letters and digits of a symbol: `BTCUSDT` for `BTC/USDT` and `btc_usdt`."""
    return re.sub(r"[^A-Z0-9]", "", symbol.upper())


def roles_of(names: Sequence[str]) -> dict[Role, int]:
    """Return which of the columns so named holds what; a role that nobody plays is left out."""
    plain = [name if len(name) == 1 else re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]
    found: dict[Role, int] = {}
    for role, candidates in _NAMES.items():
        played = [plain.index(name) for name in candidates if name in plain]
        if played:
            found[role] = played[0]
    return found


def is_trade(roles: Mapping[Role, int]) -> bool:
    """Say whether the roles are enough for a trade."""
    return all(role in roles for role in _NEEDED)


def check_roles(roles: Mapping[Role, int], names: Sequence[str], source: str) -> None:
    """Raise InputError, naming what is missing, where the columns are not those of trades."""
    if {"open", "high", "low", "close"} <= {name.lower() for name in names}:
        raise InputError(f"{source}: holds candles: give the trades they were made of")
    missing = [role for role in _NEEDED if role not in roles]
    if missing:
        raise InputError(
            f"{source}: no column holds the trade's {' or its '.join(missing)} (there are "
            f"{', '.join(names)[:200]}): name columns time, price, quantity and, where they are "
            "known, side and id"
        )


def read_part(
    raw: RawColumns, reading: Reading, *, aggregated: bool = False, consecutive: bool = False
) -> Part | None:
    """Return the trades of a block of raw columns, None where there are none; count what is not."""
    raw = _of_wanted_symbol(raw, reading)
    price = shortest(read_numbers(raw["price"]))
    quantity = shortest(read_numbers(raw["quantity"]))
    time_us, has_time = read_times_us(raw["time"])
    problems = [
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
        problems.append(("no usable id", ~first.ok | ~last.ok | (count < 1)))
    elif "id" in raw:
        written = read_numbers(raw["id"])
        if reading.has_ids is None:
            reading.has_ids = bool(np.any(written.ok))  # ids in letters tell no order
        if reading.has_ids:
            ids = written.mantissa
            problems.append(("no usable id", ~written.ok | (written.decimals > 0)))
    usable: Flags = np.ones(len(time_us), np.bool_)
    for reason, wrong in problems:
        if np.any(usable & wrong):
            reading.unusable[reason] += int(np.count_nonzero(usable & wrong))
            usable &= ~wrong
    if not np.any(usable):
        return None
    return Part(
        time_us=time_us[usable],
        price=price.chosen(usable),
        quantity=quantity.chosen(usable),
        taker=_takers(raw)[usable],
        count=count[usable],
        ids=None if ids is None else ids[usable],
        aggregated=aggregated,
        consecutive=consecutive,
    )


def _of_wanted_symbol(raw: RawColumns, reading: Reading) -> RawColumns:
    if "symbol" not in raw:
        return raw
    plain: dict[bytes, str] = {}
    for symbol in set(raw["symbol"]):
        written = symbol.decode("utf-8", "replace").strip()
        plain[symbol] = plain_symbol(written)
        reading.symbols.setdefault(plain[symbol], written)
    if reading.wanted is None or set(plain.values()) == {plain_symbol(reading.wanted)}:
        return raw
    keep = [plain[symbol] == plain_symbol(reading.wanted) for symbol in raw["symbol"]]
    reading.ignored["another symbol"] += len(keep) - sum(keep)
    return {role: list(compress(column, keep)) for role, column in raw.items()}


def _no_number(numbers: Numbers) -> Flags:
    mantissa, decimals, ok = numbers
    return ~ok | (mantissa / 10.0**decimals >= _LARGEST)


def _takers(raw: RawColumns) -> NDArray[np.int8]:
    sides, values = raw.get("buyer_is_maker"), _MAKERS
    if sides is None:
        sides, values = raw.get("side", [b""] * len(raw["price"])), _TAKERS
    return np.array([values.get(side.strip().lower(), 0) for side in sides], np.int8)
