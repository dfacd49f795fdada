"""What `realtime evaluate --target` prints: a table a horizon, and the verdicts in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from marketstream.skill import FEWEST_EFFECTIVE
from predictor.targets.definitions import Target
from predictor.targets.figures import Less, Scored, TargetEvaluation
from realtime_training.commands.evaluate.report import duration, judged_by
from realtime_training.commands.evaluate.target_work import EvaluatedTarget, WantedTarget
from realtime_training.datasets.base_candles import BaseCandles

_WHAT: dict[Target, str] = {
    "volatility": "realised variance: the sum of squared log returns of {base}",
    "range": "range: the log of the highest over the lowest price",
}
_VERDICTS = {
    "skill": "less loss than every baseline by both scores, beyond chance",
    "no skill": "not shown to have less loss than every baseline by both scores",
    "too little data": f"fewer than {FEWEST_EFFECTIVE} horizons that do not overlap",
}
_ROUGH_RETURNS = 5


def print_targets(
    data: BaseCandles, wanted: WantedTarget, results: Sequence[EvaluatedTarget]
) -> None:
    """Print a table for each horizon."""
    console = Console()
    times = data.candles.close_time_ms
    first, last = (datetime.fromtimestamp(ms / 1_000, UTC) for ms in (times[0], times[-1]))
    base = data.candles.timeframe
    console.print(
        f"{data.symbol or 'market'}: {len(times):,} candles of {base}, {first:%Y-%m-%d %H:%M:%S} "
        f"to {last:%Y-%m-%d %H:%M:%S} UTC; a forecast each {data.timeframe}",
        soft_wrap=True,
    )
    console.print(_WHAT[wanted.target].format(base=base), soft_wrap=True)
    console.print(
        f"price: {data.label} ({judged_by(data.label)}), {wanted.latency_ms} ms after the close"
    )
    for remark in data.remarks:
        console.print(remark, soft_wrap=True)
    for each in results:
        _print_horizon(console, each.evaluation)


def _print_horizon(console: Console, figures: TargetEvaluation) -> None:
    name = f"{figures.target} {duration(figures.horizon_ms)}"
    if figures.scores:
        table = Table(
            "",
            title=f"{name}: trained before, judged after on {figures.rows:,} rows,\n"
            f"worth {figures.effective:,.0f} that do not overlap",
        )
        for forecaster in figures.scores:
            table.add_column(forecaster.replace("_", " ").replace(" of ", "\nof "), justify="right")
        columns = [_column(scored) for scored in figures.scores.values()]
        for row in columns[0]:
            table.add_row(row, *(column[row] for column in columns))
        console.print(table)
    left_out = (
        f"left out: {figures.incomplete:,} with a missing or incomplete candle, "
        f"{figures.unfinished:,} that end after the data, {figures.early:,} before a horizon was "
        f"over; {100 * figures.still:.1f} % moved next to nothing"
    )
    console.print(
        f"typical: {_number(figures.median_bps, 1)} bp; {left_out}; {figures.seconds:.1f} s",
        soft_wrap=True,
    )
    if figures.target == "volatility" and figures.returns < _ROUGH_RETURNS:
        console.print(
            f"a horizon holds {figures.returns} returns, a rough measure of its variance: choose a "
            "longer --horizon"
        )
    reason = figures.reason or _VERDICTS[figures.verdict]
    console.print(f"{name}: {figures.verdict} ({reason})", soft_wrap=True)


def _column(scored: Scored) -> dict[str, str]:
    return {
        "QLIKE": _number(scored.qlike, 4),
        "  ridge less by, %": _less(scored.qlike_less),
        "    95 % interval": _interval(scored.qlike_less),
        "CRPS of the log": _number(scored.crps, 4),
        "  ridge less by, % ": _less(scored.crps_less),
        "    95 % interval ": _interval(scored.crps_less),
        "R² of the log": _number(scored.r2, 3),
        "90 % bounds hold, %": f"{100 * scored.coverage:.1f}",
        "    95 % interval  ": f"{100 * scored.coverage_low:.1f}-{100 * scored.coverage_high:.1f}",
    }


def _less(less: Less | None) -> str:
    return "-" if less is None else f"{100 * less.share:.1f}"


def _interval(less: Less | None) -> str:
    if less is None or less.low is None or less.high is None:
        return "-"
    return f"{100 * less.low:.1f} to {100 * less.high:.1f}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
