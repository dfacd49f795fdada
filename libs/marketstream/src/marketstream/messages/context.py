"""What a venue says of a perpetual beside trades and book: slow, and each part by itself."""

from __future__ import annotations

import msgspec


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A number as of `time_us` of exchange time."""

    value: float
    time_us: int


class Funding(msgspec.Struct, frozen=True, gc=False):
    """The rate that longs pay to shorts at `next_us`, as of `time_us` of exchange time.

    A rate of 0.0001 is 1 bp of the position; below 0 shorts pay. `next_us` is None where the venue
    does not say when.
    """

    rate: float
    time_us: int
    next_us: int | None = None


class Liquidations(msgspec.Struct, frozen=True, gc=False):
    """Sums of all liquidations that were told since `since_us`, in base units, as of `time_us`.

    `bought` closed shorts, `sold` closed longs. The sums only grow, so that what came between two
    moments is their difference, whatever was told twice or not at all between them; where
    `since_us` differs, counting has begun anew, and nobody knows.
    """

    bought: float
    sold: float
    since_us: int
    time_us: int


class Context(msgspec.Struct, frozen=True, gc=False):
    """The newest of each part that a venue has told by `time_us`; each part has its own time.

    None is what has not been told, and nothing is ever made up in its place. Mark and index are
    prices, `open_interest` the open contracts in base units.
    """

    time_us: int
    mark: Reading | None = None
    index: Reading | None = None
    funding: Funding | None = None
    open_interest: Reading | None = None
    liquidations: Liquidations | None = None
