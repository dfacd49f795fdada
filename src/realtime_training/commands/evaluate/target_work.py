"""`realtime evaluate --target`: how well volatility or the range of the price is forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from marketstream.errors import SettingsError
from marketstream.timeframes import horizon_ms, timeframe_ms
from predictor.settings import Learner, PredictorSettings
from predictor.targets.definitions import Target
from predictor.targets.evaluation import evaluate_target
from predictor.targets.figures import TargetEvaluation
from predictor.targets.grid import Grid
from predictor.targets.walking import Judged
from realtime_training.commands.evaluate.work import Stage, told_of, write_picture
from realtime_training.datasets.base_candles import BaseCandles


@dataclass(frozen=True, slots=True)
class WantedTarget:
    """What to forecast: horizons in timeframes, from `latency_ms` after each decision."""

    target: Target
    horizons: tuple[int, ...]
    latency_ms: int = 0
    folds: int | None = None


@dataclass(frozen=True, slots=True)
class EvaluatedTarget:
    """One horizon, and the rows it was judged on, None where there were too few."""

    horizon: int
    evaluation: TargetEvaluation
    rows: Judged | None


def check_options(
    target: Target,
    models: Sequence[Learner],
    cost_bps: float,
    tune_ms: int | None,
    beside: Sequence[object] = (),
) -> None:
    """Raise SettingsError where an option is given that is of directions alone."""
    given = {
        "--model": bool(models),
        "--cost-bps": cost_bps > 0,
        "--tune": tune_ms is not None,
        "--beside": bool(beside),
    }
    named = " and ".join(name for name, is_given in given.items() if is_given)
    if named:
        raise SettingsError(
            f"{named} with --target {target}: a ridge without hyperparameters forecasts it, and no "
            f"position is taken: leave {named} out, or use --target direction"
        )


def evaluate_targets(
    data: BaseCandles,
    wanted: WantedTarget,
    settings: PredictorSettings,
    *,
    advanced: Stage | None = None,
) -> list[EvaluatedTarget]:
    """Walk the model and the baselines forward at each horizon."""
    grid = Grid.of(data.candles, data.label)
    results = []
    for horizon in dict.fromkeys(wanted.horizons):
        evaluation, rows = evaluate_target(
            grid,
            wanted.target,
            label=data.label,
            step_ms=timeframe_ms(data.timeframe),
            horizon_ms=horizon_ms(horizon, data.timeframe),
            latency_ms=wanted.latency_ms,
            folds=wanted.folds or settings.training.folds,
            embargo=settings.training.embargo,
            advanced=told_of(advanced, f"{wanted.target} {horizon} x {data.timeframe}"),
        )
        results.append(EvaluatedTarget(horizon, evaluation, rows))
    return results


def summary(
    data: BaseCandles, wanted: WantedTarget, results: Sequence[EvaluatedTarget]
) -> dict[str, Any]:
    """Return what `--json` prints: figures by horizon, and what they were made on."""
    return {
        "target": wanted.target,
        "symbol": data.symbol,
        "timeframe": data.timeframe,
        "base": data.candles.timeframe,
        "label": data.label,
        "latency_ms": wanted.latency_ms,
        "candles": len(data.candles),
        "incomplete_candles": int((~data.candles.complete).sum()),
        "first_close_ms": int(data.candles.close_time_ms[0]),
        "last_close_ms": int(data.candles.close_time_ms[-1]),
        "remarks": list(data.remarks),
        "horizons": {str(each.horizon): msgspec.to_builtins(each.evaluation) for each in results},
    }


def draw(
    data: BaseCandles, wanted: WantedTarget, results: Sequence[EvaluatedTarget], folder: Path
) -> list[Path]:
    """Draw each horizon into a folder, and return the files.

    Raises StateError where they cannot be written.
    """
    from predictor.targets.plots import together  # with matplotlib

    drawn = []
    for each in results:
        if each.rows is None:
            continue
        picture = together(each.evaluation, each.rows)
        name = f"{wanted.target}-{each.horizon}x{data.timeframe}.svg"
        drawn.append(write_picture(folder / name, picture))
    return drawn
