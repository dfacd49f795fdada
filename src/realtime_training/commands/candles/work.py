"""`realtime candles`: files of trades in, klines out as CSV, Parquet or Feather."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from candles.bars import BarRule, fold_bars
from candles.columnar import fold
from candles.klines import KLINE_COLUMNS, kline_arrays, kline_rows
from marketstream.columns import CandleColumns
from marketstream.errors import StateError
from marketstream.readers import TradeTable, read_trades
from realtime_training.datasets.recorded_trades import read_recorded
from realtime_training.output import ARROW, opened, write_arrow
from realtime_training.settings import load_all

_NAMED = 5


@dataclass(frozen=True, slots=True)
class CandlesResult:
    """The candles, and what they were made of."""

    trades: TradeTable
    candles: CandleColumns

    def summary(self) -> dict[str, Any]:
        """Return the counts that `--json` prints."""
        trades, candles = self.trades, self.candles
        return {
            "symbol": trades.symbol,
            "trades": len(trades),
            "fills": int(trades.count.sum()),
            "candles": len(candles),
            "empty": int((candles.trade_count == 0).sum()),
            "incomplete": int((~candles.complete).sum()),
            "incomplete_open_times_ms": candles.open_time_ms[~candles.complete].tolist(),
            "gaps_seen_by_id": trades.consecutive,
            "numberings": trades.numberings,
            "duplicates": trades.duplicates,
            "side_unknown": int((trades.taker == 0).sum()),
            "unusable": dict(trades.unusable),
            "ignored": dict(trades.ignored),
        }


def make_candles(
    files: Sequence[Path],
    by: str | BarRule,
    *,
    symbol: str | None = None,
    fill: bool = True,
    advanced: Callable[[int], None] | None = None,
) -> CandlesResult:
    """Read the trades of the files and fold them by a timeframe, or into bars by a rule."""
    trades = read_recorded(files, load_all(), symbol, advanced)
    if trades is None:
        trades = read_trades(files, symbol=symbol, advanced=advanced)
    consecutive = trades.consecutive
    if isinstance(by, str):
        return CandlesResult(trades, fold(trades, by, consecutive_ids=consecutive, fill=fill))
    return CandlesResult(trades, fold_bars(trades, by, consecutive_ids=consecutive))


def write_candles(candles: CandleColumns, output: Path | None) -> None:
    """Write the twelve columns to a file, or as CSV to stdout; the name says in which form.

    Raises StateError where the file cannot be written.
    """
    try:
        if output is not None and output.suffix in ARROW:
            write_arrow(kline_arrays(candles), output)
            return
        with opened(output) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(KLINE_COLUMNS)
            writer.writerows(kline_rows(candles))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StateError(f"{output}: cannot be written ({error})") from error


def remarks(result: CandlesResult) -> Iterator[str]:
    """Yield a line for each thing to know about the candles: what was left out, what is missing."""
    trades, candles = result.trades, result.candles
    yield f"{len(trades):,} trades in {len(candles):,} candles"
    for kind, counts in (("unusable", trades.unusable), ("ignored", trades.ignored)):
        for reason, count in counts.most_common():
            yield f"{kind}: {count:,} x {reason}"
    yield from (f"refused: {row}" for row in trades.refused)
    if trades.numberings > 1:
        yield (
            f"ids begin again: {trades.numberings:,} numberings; what traded between them is "
            "unknown"
        )
    if trades.duplicates:
        yield f"duplicates: {trades.duplicates:,} lines whose id was there already"
    unknown = int((trades.taker == 0).sum())
    if unknown:
        yield f"side unknown: {unknown:,} trades, in no taker-buy volume"
    if not trades.consecutive:
        yield "ids: none that are consecutive, so that missing trades cannot be seen"
    times_ms = candles.open_time_ms[~candles.complete].tolist()
    if times_ms:
        named = [datetime.fromtimestamp(ms / 1_000, UTC).isoformat() for ms in times_ms]
        if len(named) > 2 * _NAMED:
            named[_NAMED:-_NAMED] = ["…"]
        yield f"incomplete: {len(times_ms):,}, those of {', '.join(named)}"
