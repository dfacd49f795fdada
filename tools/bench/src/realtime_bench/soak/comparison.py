"""The one comparison of stored candles with an exchange's own ledger that all tests share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from marketstream.messages import Candle, Gap, Stall
from marketstream.store.port import Store
from realtime_bench.soak.truth import Flags, Integers, Truth, true_candles

_CLAIMS = ("lost", "doubled", "wrong", "needlessly_incomplete")
_EVER_MS = 2**52  # in microseconds too an integer that databases take


class Violation(msgspec.Struct, frozen=True):
    """A claim that a candle breaks: by how many trades, or 1 where the candle itself counts."""

    claim: str
    market: str
    timeframe: str
    open_time_ms: int
    count: int


class Comparison(msgspec.Struct, frozen=True):
    """What a market's stored candles of one timeframe are, beside the truth.

    `lost` counts true trades missing without a word: in candles stored as complete, and where no
    candle is stored though one is before and after. `doubled` counts trades too many. `wrong`
    counts candles stored as complete with the right number of trades, but other prices, volumes
    or ids. `needlessly_incomplete` counts candles with every trade, or with trades that can be
    had, that are not called complete after settling. `declared_missing` counts trades missing from
    candles that say so. `gaps` and `stalls` count those stored, by state and end.
    """

    market: str
    timeframe: str
    candles: int
    complete: int
    trades: int
    lost: int
    doubled: int
    wrong: int
    needlessly_incomplete: int
    declared_missing: int
    gaps: dict[str, int]
    stalls: dict[str, int]
    violations: tuple[Violation, ...]

    @property
    def kept(self) -> bool:
        """Whether every claim holds, of at least one candle."""
        return self.candles > 0 and not self.violations


class _Stored(NamedTuple):
    """Candles as columns, in the order of time."""

    opens_us: Integers
    closes_us: Integers
    trades: Integers
    complete: Flags
    values: tuple[tuple[float, ...], ...]


def compare_store(
    store: Store,
    market: str,
    timeframe: str,
    truth: Truth,
    *,
    from_ms: int = 0,
    settled_until_ms: int = _EVER_MS,
) -> Comparison:
    """Compare what a store keeps of candles that open at or after `from_ms` with the truth.

    Candles that close after `settled_until_ms` may still be waiting for proof.
    """
    candles = store.candles(market, timeframe, from_ms, _EVER_MS)
    gaps = store.gaps(market, 0, _EVER_MS)
    stalls = store.stalls(market, 0, _EVER_MS)
    return compare(
        market, timeframe, candles, gaps, stalls, truth, settled_until_ms=settled_until_ms
    )


def compare(
    market: str,
    timeframe: str,
    candles: Sequence[Candle],
    gaps: Iterable[Gap],
    stalls: Iterable[Stall],
    truth: Truth,
    *,
    settled_until_ms: int = _EVER_MS,
) -> Comparison:
    """Compare closed candles, one revision of each, with the true trades of the market."""
    stored = sorted(
        (candle for candle in candles if candle.state == "closed"),
        key=lambda candle: candle.open_time_ms,
    )
    gaps = list(gaps)
    columns = _columns(stored)
    true = true_candles(truth, columns.opens_us, columns.closes_us)
    missing = np.maximum(true.trades - columns.trades, 0)
    broken: dict[str, Integers] = {
        "lost": np.where(columns.complete, missing, 0),
        "doubled": np.maximum(columns.trades - true.trades, 0) + columns.trades * _again(columns),
        "wrong": (columns.complete & (columns.trades == true.trades) & _differs(columns, true)) * 1,
        "needlessly_incomplete": (
            ~columns.complete
            & (columns.closes_us <= settled_until_ms * 1_000)
            & ~_excused(columns, gaps)
        )
        * 1,
    }
    violations = [
        Violation(claim, market, timeframe, int(columns.opens_us[row]) // 1_000, int(counts[row]))
        for claim, counts in broken.items()
        for row in np.flatnonzero(counts)
    ]
    violations += _between(market, timeframe, columns, truth, gaps)
    totals: Counter[str] = Counter()
    for violation in violations:
        totals[violation.claim] += violation.count
    return Comparison(
        market=market,
        timeframe=timeframe,
        candles=len(stored),
        complete=int(columns.complete.sum()),
        trades=int(true.trades.sum()),
        **{claim: totals[claim] for claim in _CLAIMS},
        declared_missing=int(missing[~columns.complete].sum()),
        gaps=dict(Counter(gap.state for gap in gaps)),
        stalls=dict(Counter(stall.end for stall in stalls)),
        violations=tuple(violations),
    )


def table(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons as a table, a line for each market and timeframe."""
    heads = ("market", "timeframe", "candles", "complete", "trades", *_CLAIMS, "declared_missing")
    rows = [tuple(head.replace("_", " ") for head in heads)]
    rows += [tuple(f"{getattr(one, head)}" for head in heads) for one in comparisons]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines += [
        f"{one.market}: gaps {_counted(one.gaps)}; stalls {_counted(one.stalls)}"
        for one in {one.market: one for one in comparisons}.values()
    ]
    return "\n".join(lines)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"


def _columns(candles: Sequence[Candle]) -> _Stored:
    def integers(values: Iterable[int]) -> Integers:
        return np.fromiter(values, np.int64, len(candles))

    return _Stored(
        integers(candle.open_time_ms * 1_000 for candle in candles),
        integers(candle.close_time_ms * 1_000 for candle in candles),
        integers(candle.trade_count for candle in candles),
        np.fromiter((candle.complete is True for candle in candles), np.bool_, len(candles)),
        tuple(_values(candle) for candle in candles),
    )


def _values(candle: Candle) -> tuple[float, ...]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    first_id = -1 if candle.first_trade_id is None else candle.first_trade_id
    last_id = -1 if candle.last_trade_id is None else candle.last_trade_id
    return (*prices, candle.volume, candle.taker_buy_volume, first_id, last_id)


def _differs(columns: _Stored, true: tuple[np.ndarray, ...]) -> Flags:
    """Say which candles have other values than the true ones; of flat ones only that they are."""
    if not columns.values:
        return np.zeros(0, np.bool_)
    stored = np.asarray(columns.values, np.float64).T
    traded = columns.trades > 0
    different = np.zeros(len(traded), np.bool_)
    for ours, theirs in zip(stored, true[1:], strict=True):
        different |= ~np.isclose(ours, theirs, rtol=1e-9, atol=1e-9)
    return different & traded


def _again(columns: _Stored) -> Flags:
    """Say which candles are of an interval that the one before already was of."""
    again = np.zeros(len(columns.opens_us), np.bool_)
    again[1:] = columns.opens_us[1:] == columns.opens_us[:-1]
    return again


def _excused(columns: _Stored, gaps: Sequence[Gap]) -> Flags:
    """Say which candles touch what is declared to be lost for good, or a numbering's seam.

    The first stored candle is excused too: nobody watched when its interval began.
    """
    excused = np.zeros(len(columns.opens_us), np.bool_)
    excused[:1] = True
    for gap in gaps:
        if gap.state == "lost" or gap.first_id == gap.end_id:
            excused |= (columns.closes_us > gap.since_us) & (
                columns.opens_us <= (gap.until_us if gap.until_us is not None else gap.since_us)
            )
    return excused


def _between(
    market: str, timeframe: str, columns: _Stored, truth: Truth, gaps: Sequence[Gap]
) -> list[Violation]:
    """Return the true trades between stored candles, where no candle is and no gap says why."""
    lost = []
    for row in np.flatnonzero(columns.opens_us[1:] > columns.closes_us[:-1]):
        from_us, to_us = int(columns.closes_us[row]), int(columns.opens_us[row + 1])
        begin, end = np.searchsorted(truth.time_us, (from_us, to_us)).tolist()
        declared = any(
            gap.state != "repaired"
            and gap.since_us < to_us
            and (gap.until_us is None or gap.until_us > from_us)
            for gap in gaps
        )
        if end > begin and not declared:
            lost.append(Violation("lost", market, timeframe, from_us // 1_000, end - begin))
    return lost
