"""What is told of a perpetual as of base closes, streamed and in columns; the old is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from marketstream.columns import Floats, Times
from marketstream.messages import Context
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed
from technical_indicators.base_row import BaseRow

type Said = tuple[float, int]
"""A number, and the exchange's time of it in µs."""


class ToldRow(Protocol):
    """A close, and what was told of a market by then."""

    @property
    def close_time_ms(self) -> int:
        """When it was."""
        ...

    @property
    def context(self) -> Context | None:
        """What was told."""
        ...


class ToldColumns(Protocol):
    """The same of many closes."""

    @property
    def close_time_ms(self) -> Times:
        """When they were."""
        ...

    def told(self, name: str) -> Floats:
        """Return what was told, by its name in `CONTEXT_COLUMNS`."""
        ...


class Part(NamedTuple):
    """Something that is told: its columns, and how old it may be; venues tell it more often."""

    value: str
    time_us: str
    stale_us: int
    said: Callable[[Context], Said | None]


def _mark(context: Context) -> Said | None:
    return None if context.mark is None else (context.mark.value, context.mark.time_us)


def _index(context: Context) -> Said | None:
    return None if context.index is None else (context.index.value, context.index.time_us)


def _rate(context: Context) -> Said | None:
    return None if context.funding is None else (context.funding.rate, context.funding.time_us)


def _next_funding(context: Context) -> Said | None:
    funding = context.funding
    if funding is None or funding.next_us is None:
        return None
    return float(funding.next_us), funding.time_us


def _open_interest(context: Context) -> Said | None:
    told = context.open_interest
    return None if told is None else (told.value, told.time_us)


def _liquidations(context: Context) -> Said | None:
    sums = context.liquidations
    return None if sums is None else (sums.bought, sums.time_us)


MARK = Part("mark", "mark_time_us", 15_000_000, _mark)
INDEX = Part("index", "index_time_us", 15_000_000, _index)
FUNDING = Part("funding_rate", "funding_time_us", 600_000_000, _rate)
NEXT_FUNDING = Part("next_funding_us", "funding_time_us", 600_000_000, _next_funding)
OPEN_INTEREST = Part("open_interest", "open_interest_time_us", 120_000_000, _open_interest)
LIQUIDATIONS = Part("liquidated_bought", "liquidated_time_us", 15_000_000, _liquidations)


def value_of(row: ToldRow, part: Part) -> float | None:
    """Return what was told of a part as of a close; None where it was not, or is too old."""
    said = None if row.context is None else part.said(row.context)
    if said is None or row.close_time_ms * 1_000 - said[1] > part.stale_us:
        return None
    return said[0]


def values_in(columns: ToldColumns, part: Part) -> Floats:
    """Return the same as of every close, NaN for None."""
    young = columns.close_time_ms * 1_000.0 - columns.told(part.time_us) <= part.stale_us
    return np.where(young, columns.told(part.value), np.nan)


def age_of(part: Part) -> Callable[..., Windowed]:
    """Return the form of the age of a part in seconds, however old it is."""

    class Age(Windowed):
        def __init__(self, base_s: float) -> None:
            del base_s

        def value(self, rows: Sequence[BaseRow]) -> float | None:
            row = rows[-1]
            said = None if row.context is None else part.said(row.context)
            if said is None:
                return None
            return (row.close_time_ms * 1_000 - said[1]) / 1_000_000

        def columnar(self, columns: BaseColumns) -> Floats:
            return (columns.close_time_ms * 1_000.0 - columns.told(part.time_us)) / 1_000_000

    return Age


def age(part: Part) -> BaseDefinition:
    """Return the indicator of the age of a part."""
    return BaseDefinition(inputs=("close_time_ms", "context"), form=age_of(part))


def distance_of(row: BaseRow, part: Part, *, of_mid: bool) -> float | None:
    """Return how far a price is above the mid, or the mid above the price, in bp of the other."""
    price = value_of(row, part)
    if price is None or row.mid is None:
        return None
    mid = row.mid
    return (price - mid) / mid * 10_000 if of_mid else (mid - price) / price * 10_000


def distances_in(columns: BaseColumns, part: Part, *, of_mid: bool) -> Floats:
    """Return the same as of every close, NaN for None."""
    price, mid = values_in(columns, part), columns.mid
    return (price - mid) / mid * 10_000 if of_mid else (mid - price) / price * 10_000
