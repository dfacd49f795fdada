"""Rows with their labels: what models are fitted on and judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from marketstream.columns import FeatureTable, Flags, Floats, PriceSeries, Times
from predictor.training.prices import Label, label_ends, label_prices, label_returns


@dataclass(frozen=True, slots=True)
class Dataset:
    """The usable rows of one market, timeframe and horizon, ordered by the time of the decision.

    `returns` are log returns from latency to latency and horizon, `ways` from the decision itself
    to the same end; `ends_ms` says when each was known. `previous` is the return over the horizon
    before the decision, as known then (0 where it was not). `spread_bps` is that of the book.
    `incomplete` and `unlabelled` count the rows left out.
    """

    names: tuple[str, ...]
    values: Floats
    times_ms: Times
    ends_ms: Times
    returns: Floats
    ways: Floats
    previous: Floats
    spread_bps: Floats
    horizon_ms: int
    step_ms: int
    latency_ms: int = 0
    incomplete: int = 0
    unlabelled: int = 0
    label: Label = "mid"

    def __len__(self) -> int:
        return len(self.times_ms)

    @property
    def moved(self) -> Flags:
        """Whether the price moved."""
        return np.asarray(self.returns != 0)

    @property
    def up(self) -> Flags:
        """Whether the price went up."""
        return self.returns > 0

    def columns(self, names: Sequence[str]) -> Floats:
        """Return the columns of these names, in this order."""
        return self.values[:, [self.names.index(name) for name in names]]

    def knows(self, names: Sequence[str], share: float = 0.5) -> bool:
        """Say whether at least one of the columns is known in that share of the rows."""
        return bool((np.isfinite(self.columns(names)).mean(axis=0) >= share).any())

    def whole(self, names: Sequence[str]) -> Flags:
        """Say of each row whether all columns of these names are known."""
        return np.asarray(np.isfinite(self.columns(names)).all(axis=1))

    def take(self, chosen: Flags) -> Self:
        """Return some of the rows."""
        rows = ("values", "times_ms", "ends_ms", "returns", "ways", "previous", "spread_bps")
        return replace(self, **{name: getattr(self, name)[chosen] for name in rows})


def labelled(
    table: FeatureTable,
    prices: PriceSeries,
    *,
    horizon_ms: int,
    latency_ms: int = 0,
    label: Label = "mid",
) -> Dataset:
    """Return the complete rows whose outcome is known."""
    times, series = table.close_time_ms, label_prices(prices, label)
    returns = label_returns(times, series, prices, horizon_ms=horizon_ms, latency_ms=latency_ms)
    ways = label_returns(times, series, prices, horizon_ms=horizon_ms + latency_ms)
    # The fair mid is made of later prints, so what went before is told by the last price.
    seen = prices.mid if label == "mid" else prices.close
    previous = label_returns(times - horizon_ms, seen, prices, horizon_ms=horizon_ms)
    known = np.isfinite(returns + ways)
    ends = label_ends(times, label, prices, horizon_ms=horizon_ms, latency_ms=latency_ms)
    whole = Dataset(
        names=table.names,
        values=table.values,
        times_ms=times,
        ends_ms=ends,
        returns=returns,
        ways=ways,
        previous=np.nan_to_num(previous),
        spread_bps=1e4 * (table.ask - table.bid) / table.mid,
        horizon_ms=horizon_ms,
        step_ms=int(np.median(np.diff(times))) if len(times) > 1 else 0,
        latency_ms=latency_ms,
        label=label,
        incomplete=int(np.count_nonzero(~table.complete)),
        unlabelled=int(np.count_nonzero(table.complete & ~known)),
    )
    return whole.take(known & table.complete)
