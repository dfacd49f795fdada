"""Frames of trades made wrong, each a copy of a true one."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from exchange_simulator.faults.marks import Marks, Pattern, moved_time
from exchange_simulator.faults.plan import Fault, Faults

_NUMBERS = (b"0.00000000", b"-1.00000000", b"NaN", b"1e400")
_MINUTE_MS = 60_000
_OFF_MS = [
    sign * size * _MINUTE_MS for size in (5, 120, 1_440, 64 * 525_960) for sign in (1, -1)
]  # fmt: skip
_FAR = 1_000_000
_SKEWS_MS = [sign * size for size in (500, 2_000, 30_000, 300_000, 3_600_000) for sign in (1, -1)]
ORDER = ("duplicate", "reorder", "drop")
WRONG = (
    "malformed", "truncated", "wrong_symbol", "absurd_price", "absurd_quantity", "absurd_time",
    "id_ahead", "id_behind",
)  # fmt: skip


def symbol_of(frame: bytes, marks: Marks) -> str:
    """Return the wire symbol of a frame, empty where it has none."""
    found = marks.symbol.search(frame)
    return found[0].decode() if found else ""


def channel_of(frame: bytes, marks: Marks) -> str:
    """Return `trades` or `quotes`, or `other` for klines."""
    if marks.trades.search(frame):
        return "trades"
    return "quotes" if marks.quotes.search(frame) else "other"


def chosen(seed: int, fault: Fault, frame: bytes) -> bool:
    """Say whether a fault strikes a frame: by the seed and what is in it, not by when it comes."""
    return draw(seed, fault.kind.name, frame) < fault.share * 2**32


def draw(seed: int, what: str, frame: bytes) -> int:
    """Return 32 bits that the seed makes of a frame."""
    return zlib.crc32(frame, zlib.crc32(f"{seed}:{what}".encode()))


def skewed(frame: bytes, ms: int, marks: Marks, *, microseconds: bool) -> bytes:
    """Return a frame whose event time is `ms` off, where the venue tells one."""
    return _moved(frame, marks.event_time, ms, microseconds=microseconds)


def skew_ms(fault: Fault) -> int:
    """Return how far a skewed clock is off: each fault by another step, to either side."""
    return _SKEWS_MS[fault.number % len(_SKEWS_MS)]


def wrong(kind: str, frame: bytes, turn: int, faults: Faults, *, microseconds: bool) -> bytes:
    """Return the wrong copy of a trade's frame; `turn` goes through the ways there are.

    Where the venue has no such value, as an id that can be ahead, it is a true copy.
    """
    marks = faults.marks
    number = _NUMBERS[turn % len(_NUMBERS)]
    off_ms = _OFF_MS[turn % len(_OFF_MS)]
    makers: dict[str, Callable[[], bytes]] = {
        "malformed": lambda: frame.replace(b'"', b"'"),
        "truncated": lambda: frame[: len(frame) // 2],
        "wrong_symbol": lambda: _under_another(frame, turn, faults),
        "absurd_price": lambda: marks.price.sub(number, frame, count=1),
        "absurd_quantity": lambda: marks.quantity.sub(number, frame, count=1),
        "absurd_time": lambda: _moved(frame, marks.time, off_ms, microseconds=microseconds),
        "id_ahead": lambda: _renumbered(frame, marks.id, _FAR),
        "id_behind": lambda: _renumbered(frame, marks.id, -_FAR),
    }
    return makers[kind]()


def _under_another(frame: bytes, turn: int, faults: Faults) -> bytes:
    mine = symbol_of(frame, faults.marks)
    others = ["NOSUCHUSDT", *(symbol for symbol in faults.symbols if symbol != mine)]
    return faults.marks.symbol.sub(others[turn % len(others)].encode(), frame)


def _renumbered(frame: bytes, pattern: Pattern | None, by: int) -> bytes:
    if pattern is None:
        return frame
    return pattern.sub(lambda found: b"%d" % max(0, int(found[0]) + by), frame)


def _moved(frame: bytes, pattern: Pattern | None, ms: int, *, microseconds: bool) -> bytes:
    if pattern is None:
        return frame
    return pattern.sub(lambda found: moved_time(found[0], ms, microseconds=microseconds), frame)
