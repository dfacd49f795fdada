"""How well a target is forecast at a horizon, walking forward, and whether that is skill."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import msgspec
import numpy as np

from marketstream.columns import Floats, Times
from marketstream.skill import FEWEST_EFFECTIVE, Skill
from marketstream.uncertainty import effective_size, wilson
from predictor.targets.bounds import LEVELS
from predictor.targets.definitions import Target
from predictor.targets.figures import FoldScore, Less, Scored, TargetEvaluation
from predictor.targets.forecaster import MODEL
from predictor.targets.grid import Grid
from predictor.targets.rows import Rows, rows_of
from predictor.targets.scores import basis_points, blocks_of, crps, explained, less_by, qlike
from predictor.targets.walking import Advanced, Judged, walk
from predictor.training.prices import Label


def evaluate_target(
    grid: Grid,
    target: Target,
    *,
    label: Label,
    step_ms: int,
    horizon_ms: int,
    latency_ms: int = 0,
    folds: int,
    embargo: int,
    advanced: Advanced | None = None,
) -> tuple[TargetEvaluation, Judged | None]:
    """Walk the model and the baselines forward; return the figures and the rows behind them.

    A decision is made at every close of `step_ms`. `label` says which price the grid is of,
    `embargo` is in decisions.
    """
    started = perf_counter()
    rows = rows_of(grid, target, step_ms=step_ms, horizon_ms=horizon_ms, latency_ms=latency_ms)
    judged = walk(rows, folds, embargo=embargo, advanced=advanced)
    bare = TargetEvaluation(
        target=target,
        label=label,
        horizon_ms=rows.horizon_ms,
        latency_ms=latency_ms,
        returns=grid.closes(horizon_ms),
        rows=0,
        effective=0.0,
        incomplete=rows.incomplete,
        unfinished=rows.unfinished,
        early=rows.early,
        still=rows.still,
        floor=rows.floor,
        seconds=0.0,
        verdict="too little data",
        reason=_why_not(rows),
        model=MODEL,
        inputs=rows.names,
    )
    scored = bare if judged is None else _scored(bare, judged)
    return msgspec.structs.replace(scored, seconds=round(perf_counter() - started, 3)), judged


def _why_not(rows: Rows) -> str:
    if len(rows) and rows.floor is None:
        return "the price did not move in the rows to learn from, so there is nothing to forecast"
    return f"{len(rows)} usable rows, too few before the first that is judged"


def _scored(bare: TargetEvaluation, judged: Judged) -> TargetEvaluation:
    times_ms = judged.rows.times_ms[judged.chosen]
    blocks = blocks_of(times_ms, bare.horizon_ms)
    came, log_came = judged.came, np.log(judged.came)
    losses = {
        name: (qlike(came, said.mean), crps(log_came, said.quantiles))
        for name, said in judged.forecasts.items()
    }
    scores = {
        name: Scored(
            qlike=float(losses[name][0].mean()),
            crps=float(losses[name][1].mean()),
            r2=explained(log_came, said.expected),
            **_coverage(log_came, said.quantiles, blocks),
            levels=tuple((log_came[:, None] <= said.quantiles).mean(axis=0).tolist()),
            qlike_less=_less(losses, name, 0, blocks),
            crps_less=_less(losses, name, 1, blocks),
        )
        for name, said in judged.forecasts.items()
    }
    effective = len(times_ms) / judged.rows.overlap
    return msgspec.structs.replace(
        bare,
        rows=len(times_ms),
        effective=effective,
        verdict=_verdict(scores, effective),
        reason=None,
        median_bps=float(np.median(basis_points(came, bare.target))),
        scores=scores,
        folds=tuple(_folds(judged, losses[MODEL][0])),
    )


def _less(
    losses: dict[str, tuple[Floats, Floats]], name: str, which: int, blocks: Times
) -> Less | None:
    if name == MODEL:
        return None
    return Less(*less_by(losses[MODEL][which], losses[name][which], blocks))


def _coverage(log_came: Floats, quantiles: Floats, blocks: Times) -> dict[str, float]:
    inside = _inside(log_came, quantiles)
    share = float(inside.mean())
    low, high = wilson(share, effective_size(inside, blocks))
    return {"coverage": share, "coverage_low": low, "coverage_high": high}


def _inside(log_came: Floats, quantiles: Floats) -> Floats:
    within = (quantiles[:, 0] <= log_came) & (log_came <= quantiles[:, len(LEVELS) - 1])
    return within.astype(np.float64)


def _verdict(scores: dict[str, Scored], effective: float) -> Skill:
    """Say whether the losses are less than every baseline's beyond chance, by both scores."""
    lows = [
        less.low
        for one in scores.values()
        for less in (one.qlike_less, one.crps_less)
        if less is not None
    ]
    if effective < FEWEST_EFFECTIVE or None in lows:
        return "too little data"
    return "skill" if all(low is not None and low > 0 for low in lows) else "no skill"


def _folds(judged: Judged, losses: Floats) -> Iterator[FoldScore]:
    times_ms, said = judged.rows.times_ms[judged.chosen], judged.forecasts[MODEL]
    log_came = np.log(judged.came)
    inside = _inside(log_came, said.quantiles)
    for number, trained in enumerate(judged.trained_rows):
        chosen = judged.fold == number
        yield FoldScore(
            begin_ms=int(times_ms[chosen][0]),
            end_ms=int(times_ms[chosen][-1]),
            trained_rows=trained,
            rows=int(np.count_nonzero(chosen)),
            qlike=float(losses[chosen].mean()),
            r2=explained(log_came[chosen], said.expected[chosen]),
            coverage=float(inside[chosen].mean()),
        )
