"""What a venue tells of a simulated perpetual: made of nothing but the quotes that were shown.

It foretells nothing. The mark price is the mean of the mids of now and of one and two seconds ago;
the index, the spot market's price, is the mid of half a second ago less a basis that swings by 3 bp
an hour. The funding rate is 1 bp and an eighth of the basis, due every eight hours. Open interest
swings by 5 % in four hours and by 0.1 % from one step of five seconds to another. About every
twentieth second somebody is liquidated, with the move of the last five.
"""

from __future__ import annotations

from math import pi, sin
from typing import NamedTuple

from exchange_simulator.market.tape import Tape

FUNDING_US = 28_800_000_000
INTEREST_US = 5_000_000

_SECOND_US = 1_000_000
_INDEX_LAG_US = 500_000
_BASIS, _BASIS_US = 3e-4, 3_600_000_000
_USUAL_RATE = 1e-4
_OPEN, _OPEN_SWING, _OPEN_US = 20_000, 0.05, 14_400_000_000  # base units
_LIQUIDATED = 20  # one second in so many
_MOST_VALUE = 20_000  # quote units
_64_BITS = (1 << 64) - 1


class Told(NamedTuple):
    """What is told as of a time: prices in quote units, `spot` the index, open interest in lots."""

    time_us: int
    mark: float
    spot: float
    rate: float
    next_funding_us: int
    open_lots: int


class Liquidation(NamedTuple):
    """An order that closes a position: it buys where that was a short."""

    time_us: int
    buys: bool
    ticks: int
    lots: int


def told_at(tape: Tape, time_us: int) -> Told | None:
    """Return what is told as of just before a time; None before the first quote."""
    mids = [_mid(tape, time_us - lag_us) for lag_us in (0, _SECOND_US, 2 * _SECOND_US)]
    now = mids[0]
    if now is None:
        return None
    past = _mid(tape, time_us - _INDEX_LAG_US)
    basis = _BASIS * sin(2 * pi * (time_us % _BASIS_US) / _BASIS_US)
    mark = sum(now if mid is None else mid for mid in mids) / len(mids)
    return Told(
        time_us,
        mark,
        (now if past is None else past) * (1 - basis),
        _USUAL_RATE + basis / 8,
        (time_us // FUNDING_US + 1) * FUNDING_US,
        _open_lots(tape, time_us),
    )


def liquidations(tape: Tape, from_us: int, to_us: int) -> list[Liquidation]:
    """Return those of a half-open range of time."""
    found = []
    for second in range(from_us // _SECOND_US, -(-to_us // _SECOND_US)):
        drawn = _mixed(second, 0)
        time_us = second * _SECOND_US + drawn // _LIQUIDATED % 1_000 * 1_000
        if drawn % _LIQUIDATED or not from_us <= time_us < to_us:
            continue
        now, before = _mid(tape, time_us), _mid(tape, time_us - 5 * _SECOND_US)
        if now is None or before is None:
            continue
        ticks = round(now * 10**tape.price_decimals)
        most = max(1, round(_MOST_VALUE / now * 10**tape.quantity_decimals))
        found.append(Liquidation(time_us, now >= before, ticks, 1 + _mixed(second, ticks) % most))
    return found


def _open_lots(tape: Tape, time_us: int) -> int:
    step_us = time_us // INTEREST_US * INTEREST_US
    swing = _OPEN_SWING * sin(2 * pi * (step_us % _OPEN_US) / _OPEN_US)
    noise = (_mixed(step_us // INTEREST_US, 1) % 2_001 - 1_000) * 1e-6
    lots = float(10**tape.quantity_decimals)
    return round(_OPEN * (1 + swing + noise) * lots)


def _mid(tape: Tape, time_us: int) -> float | None:
    """Return the mid as of just before a time."""
    quote = tape.quote_at(time_us - 1)
    if not len(quote.bid):
        return None
    return (int(quote.bid[0]) + int(quote.ask[0])) / (2 * float(10**tape.price_decimals))


def _mixed(number: int, salt: int) -> int:
    """Return 64 bits that look drawn, by SplitMix64 (Steele, Lea and Flood 2014)."""
    mixed = (number * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) & _64_BITS
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _64_BITS
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _64_BITS
    return mixed ^ mixed >> 31
