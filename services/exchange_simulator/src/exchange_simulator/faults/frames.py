"""Frames of trades made wrong, each a copy of a true one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from exchange_simulator.faults.plan import Fault, Faults

_NUMBERS = (b"0.00000000", b"-1.00000000", b"NaN", b"1e400")
_MINUTE_MS = 60_000
_OFF_MS = [
    sign * size * _MINUTE_MS for size in (5, 120, 1_440, 64 * 525_960) for sign in (1, -1)
]  # fmt: skip
_FAR = 1_000_000
_SYMBOL = re.compile(rb'"s":"([^"]*)"')
_ID = re.compile(rb'"([taflL])":(-?\d+)')
_TIME = re.compile(rb'"([TE])":(\d+)')
_EVENT = re.compile(rb'"E":(\d+)')
_SKEWS_MS = [sign * size for size in (500, 2_000, 30_000, 300_000, 3_600_000) for sign in (1, -1)]
ORDER = ("duplicate", "reorder", "drop")
WRONG = (
    "malformed", "truncated", "wrong_symbol", "absurd_price", "absurd_quantity", "absurd_time",
    "id_ahead", "id_behind",
)  # fmt: skip


def symbol_of(frame: bytes) -> str:
    """Return the wire symbol of a frame, empty where it has none."""
    found = _SYMBOL.search(frame)
    return found[1].decode() if found else ""


def channel_of(frame: bytes) -> str:
    """Return `trades` or `quotes`, or `other` for klines."""
    if b'"e":"trade"' in frame or b'"e":"aggTrade"' in frame:
        return "trades"
    return "other" if b'"e":"' in frame else "quotes"


def chosen(seed: int, fault: Fault, frame: bytes) -> bool:
    """Say whether a fault strikes a frame: by the seed and what is in it, not by when it comes."""
    return draw(seed, fault.kind.name, frame) < fault.share * 2**32


def draw(seed: int, what: str, frame: bytes) -> int:
    """Return 32 bits that the seed makes of a frame."""
    return zlib.crc32(frame, zlib.crc32(f"{seed}:{what}".encode()))


def skewed(frame: bytes, ms: int, *, microseconds: bool) -> bytes:
    """Return a frame whose event time is `ms` off."""
    by = ms * (1_000 if microseconds else 1)
    return _EVENT.sub(lambda found: b'"E":%d' % (int(found[1]) + by), frame)


def skew_ms(fault: Fault) -> int:
    """Return how far a skewed clock is off: each fault by another step, to either side."""
    return _SKEWS_MS[fault.number % len(_SKEWS_MS)]


def wrong(kind: str, frame: bytes, turn: int, faults: Faults, *, microseconds: bool) -> bytes:
    """Return the wrong copy of a trade's frame; `turn` goes through the ways there are."""
    unit = 1_000 if microseconds else 1
    makers: dict[str, Callable[[], bytes]] = {
        "malformed": lambda: frame.replace(b'"', b"'"),
        "truncated": lambda: frame[: len(frame) // 2],
        "wrong_symbol": lambda: _under_another(frame, turn, faults.symbols),
        "absurd_price": lambda: _number(frame, b"p", turn),
        "absurd_quantity": lambda: _number(frame, b"q", turn),
        "absurd_time": lambda: _moved(frame, _TIME, _OFF_MS[turn % len(_OFF_MS)] * unit),
        "id_ahead": lambda: _moved(frame, _ID, _FAR),
        "id_behind": lambda: _moved(frame, _ID, -_FAR),
    }
    return makers[kind]()


def _under_another(frame: bytes, turn: int, symbols: tuple[str, ...]) -> bytes:
    mine = symbol_of(frame)
    others = ["NOSUCHUSDT", *(symbol for symbol in symbols if symbol != mine)]
    return _SYMBOL.sub(b'"s":"%b"' % others[turn % len(others)].encode(), frame)


def _number(frame: bytes, key: bytes, turn: int) -> bytes:
    value = _NUMBERS[turn % len(_NUMBERS)]
    return re.sub(rb'"%b":"[^"]*"' % key, b'"%b":"%b"' % (key, value), frame, count=1)


def _moved(frame: bytes, pattern: re.Pattern[bytes], by: int) -> bytes:
    return pattern.sub(lambda found: b'"%b":%d' % (found[1], max(0, int(found[2]) + by)), frame)
