"""Where a market stands at each full hour: a Brownian motion found by midpoint displacement.

Every 1,024 hours the log price is drawn afresh around the market's level, as widely as makes it
move from one to the next like a Brownian motion; the hours between are halved down to, each
midpoint displaced by its own draw. So one hour costs a dozen draws whatever its date, prices stay
sensible for decades, and within days nothing pulls them back.
"""

from __future__ import annotations

import math

from exchange_simulator.market.draws import Draws

SPAN_HOURS = 1_024
_LEVELS = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0}


def level(draws: Draws) -> float:
    """Return the price the market hovers around; unknown markets get one from 0.1 to 1,000."""
    base = draws.symbol.partition("/")[0]
    known = _LEVELS.get(base)
    if known is not None:
        return known
    return float(10 ** Draws(0, draws.symbol).generator("level").uniform(-1, 3))


def log_price(draws: Draws, hour: int, hourly_sd: float) -> float:
    """Return the log price at the start of `hour` (since 1970), moving by `hourly_sd` an hour."""
    span, rest = divmod(hour, SPAN_HOURS)
    left, right = (_top(draws, edge, hourly_sd) for edge in (span, span + 1))
    start, length = span * SPAN_HOURS, SPAN_HOURS
    while rest:
        length //= 2
        sd = hourly_sd * math.sqrt(length / 2)
        middle = (left + right) / 2 + sd * draws.generator("anchor", start + length).normal()
        if rest >= length:
            left, start, rest = middle, start + length, rest - length
        else:
            right = middle
    return left


def _top(draws: Draws, span: int, hourly_sd: float) -> float:
    sd = hourly_sd * math.sqrt(SPAN_HOURS / 2)
    return math.log(level(draws)) + sd * draws.generator("span", span).normal()
