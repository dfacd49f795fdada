"""What a part says of itself and of a market."""

from __future__ import annotations

import msgspec


class Feed(msgspec.Struct, frozen=True, tag="feed"):
    """How the connection to the exchange is, and how much of the past has been read (0 to 1).

    `missing_trades` counts ids that were never seen and not repaired since, `open_gaps` the gaps
    that are still asked for. `stalled_ms` says how long the market has been silent for longer than
    it ever is, None while all is well, `quote_lag_ms` how far quotes are behind the trades, None
    while nobody knows, `book` how its book is: `empty`, `whole` or `broken`, None where it is not
    followed. Where a recording has `ended`, silence is no fault.
    """

    connected: bool
    reconnects: int
    missing_trades: int
    history: float = 1.0
    ended: bool = False
    open_gaps: int = 0
    stalled_ms: int | None = None
    quote_lag_ms: int | None = None
    book: str | None = None


class HowFar(msgspec.Struct, frozen=True):
    """What forecasts of how far need, by target and horizon, and what has been seen.

    `seen_ms` counts since the price was known first, None before that. Forecasts of `targets` begin
    after `first_ms`; of each horizon there can be a model, and so bounds, after its `bounds_ms`.
    """

    targets: tuple[str, ...]
    seen_ms: int | None
    first_ms: int
    bounds_ms: dict[int, int]


class Learning(msgspec.Struct, frozen=True, tag="learning"):
    """How far the first model of a market is, and how often each horizon was trained in this run.

    `seen_ms` of `needed_ms` of market time have been seen; `book` says whether quotes were. Why the
    newest training brought nothing stands in `failure`. The `drift` that brought one last is told
    in words, with the market's time then. `how_far` is None where nothing is said of that.
    """

    seen_ms: int
    needed_ms: int
    book: bool
    trainings: dict[int, int]
    failure: str | None = None
    drift: str | None = None
    drift_ms: int | None = None
    how_far: HowFar | None = None


class Compared(msgspec.Struct, frozen=True):
    """How the complete candles of a timeframe compare: how many, and how many are equal."""

    compared: int
    equal: int


class Parity(msgspec.Struct, frozen=True, tag="parity"):
    """How our candles compare with the exchange's own: counts, and the newest differences.

    `timeframes` has the counts of each; one that the exchange has no candles of is compared with
    what its trades make.
    """

    compared: int
    equal: int
    incomplete: int
    differences: list[dict[str, str | int]]
    timeframes: dict[str, Compared] = {}


class Mending(msgspec.Struct, frozen=True, tag="mending"):
    """What is done about stored candles that nobody holds any more.

    `queued` stretches of time wait; so many candles were `mended` from the exchange's trades in
    this run, and so many `marked` for trades that cannot be had.
    """

    queued: int
    mended: int
    marked: int


class Recomputed(msgspec.Struct, frozen=True, tag="recomputed"):
    """How published features compare with those that were computed anew from stored candles.

    In `windows` of closes so many vectors were `equal` to 1e-9, `differing`, or `undecided`, for
    the candles that they rest on have changed since. `largest` is the largest deviation of a
    feature, None before any vector was compared; `newest` is the newest that was beyond 1e-9.
    """

    windows: int
    equal: int
    differing: int
    undecided: int
    largest: float | None = None
    newest: dict[str, str | int | float | None] | None = None


type Said = Feed | Learning | Parity | Mending | Recomputed


class Status(msgspec.Struct, frozen=True):
    """What a part says of a market, said again every second or so; the newest writing counts."""

    market: str
    part: str
    said: Said

    @property
    def identity(self) -> tuple[str, str]:
        """Market and who says it."""
        return (self.market, self.part)
