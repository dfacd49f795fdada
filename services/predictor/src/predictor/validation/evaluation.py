"""How good a model is at a horizon, walking forward, and whether that is skill."""

from __future__ import annotations

from math import sqrt
from time import perf_counter

import msgspec
import numpy as np

from marketstream.columns import FeatureTable, Flags, Floats, PriceSeries, Times
from marketstream.skill import skill_by_pairs
from marketstream.uncertainty import (
    HORIZONS_PER_BLOCK,
    Z95,
    credit,
    effective_size,
    variance_of_mean,
    wilson,
)
from predictor.policy.average import AVERAGE
from predictor.settings import PredictorSettings
from predictor.training.calibration import calibration_error, log_loss
from predictor.training.candidates import REFERENCES
from predictor.training.dataset import Dataset, labelled
from predictor.training.prices import Label
from predictor.validation.figures import Evaluation, FoldScore, Rival, Share, Top
from predictor.validation.out_of_sample import TOP_SHARES, Advanced, OutOfSample, walk

_LEAST = 1e-6


def evaluate(
    table: FeatureTable,
    prices: PriceSeries,
    horizon_ms: int,
    settings: PredictorSettings,
    *,
    label: Label = "mid",
    latency_ms: int = 0,
    cost_bps: float = 0.0,
    trials: int = 1,
    advanced: Advanced | None = None,
) -> tuple[Evaluation, OutOfSample | None]:
    """Walk the configured learner forward; return its figures and the rows they are made of.

    `cost_bps` is what a position costs there and back, without the spread. `advanced` is told how
    many folds are done, of how many.
    """
    data = labelled(table, prices, horizon_ms=horizon_ms, latency_ms=latency_ms, label=label)
    return evaluate_rows(data, settings, cost_bps=cost_bps, trials=trials, advanced=advanced)


def evaluate_rows(
    data: Dataset,
    settings: PredictorSettings,
    *,
    cost_bps: float = 0.0,
    trials: int = 1,
    advanced: Advanced | None = None,
) -> tuple[Evaluation, OutOfSample | None]:
    """Do the same over rows that have their labels, of several markets perhaps."""
    started = perf_counter()
    rows = walk(data, settings, advanced)
    bare = Evaluation(
        model=settings.model.type,
        label=data.label,
        horizon_ms=data.horizon_ms,
        latency_ms=data.latency_ms,
        trials=trials,
        rows=0 if rows is None else len(rows),
        incomplete=data.incomplete,
        unlabelled=data.unlabelled,
        seconds=0.0,
        verdict="too little data",
        cost_bps=cost_bps,
    )
    scored = bare if rows is None or not (rows.returns != 0).any() else _scored(bare, rows)
    return msgspec.structs.replace(scored, seconds=round(perf_counter() - started, 3)), rows


def _scored(bare: Evaluation, rows: OutOfSample) -> Evaluation:
    moved, up, sign = rows.returns != 0, rows.returns > 0, np.sign(rows.returns)
    p_up = rows.p_up[rows.name]
    hits = credit(np.sign(p_up - 0.5), sign)
    counted, flat = moved & rows.answered, rows.answered & ~moved
    answered = max(1, np.count_nonzero(rows.answered))
    score = _share(rows, hits, counted, bare.horizon_ms)
    baselines = {
        name: _rival(rows, hits, said, counted, bare.horizon_ms)
        for name, said in rows.baselines.items()
    }
    gross = np.sign(p_up - 0.5) * rows.returns * 1e4
    spread = rows.spread_bps[np.isfinite(rows.spread_bps)]
    spread_bps = float(spread.mean()) if len(spread) else None
    gross_bps = float(gross[rows.answered].mean()) if rows.answered.any() else None
    net_bps = None if gross_bps is None else gross_bps - (spread_bps or 0.0) - bare.cost_bps
    classes = np.stack([rows.p_moved * (1 - p_up), 1 - rows.p_moved, rows.p_moved * p_up])
    came = np.stack([sign < 0, sign == 0, sign > 0])
    return msgspec.structs.replace(
        bare,
        verdict=skill_by_pairs(
            score.low, score.effective, [rival.ahead_low for rival in baselines.values()]
        ),
        flat_share=float(1 - moved.mean()),
        abstained=float(1 - rows.answered.mean()),
        score=score,
        accuracy_all=float(hits[counted].sum() / answered),
        accuracy_half=float((hits[counted].sum() + 0.5 * np.count_nonzero(flat)) / answered),
        top=tuple(_top(rows, hits, share, counted, bare.horizon_ms) for share in TOP_SHARES),
        baselines=baselines,
        references=_references(rows, hits, counted, bare.horizon_ms),
        average=_reference(rows, hits, AVERAGE, counted, bare.horizon_ms),
        log_loss=log_loss(p_up[moved], up[moved]),
        log_loss_classes=float(-np.log(np.clip(classes[came], _LEAST, 1)).mean()),
        brier=float(((classes - came) ** 2).sum(axis=0).mean()),
        calibration_error=calibration_error(p_up[moved], up[moved]),
        gross_bps=gross_bps,
        spread_bps=spread_bps,
        net_bps=net_bps,
        level=rows.level,
        coverage=float(((rows.low <= rows.ways) & (rows.ways <= rows.high)).mean()),
        folds=tuple(_fold(rows, hits, rows.fold == number) for number in np.unique(rows.fold)),
    )


def _blocks(rows: OutOfSample, chosen: Flags, horizon_ms: int) -> Times:
    return rows.times_ms[chosen] // (HORIZONS_PER_BLOCK * horizon_ms)


def _share(rows: OutOfSample, hits: Floats, chosen: Flags, horizon_ms: int) -> Share:
    counted = hits[chosen]
    if len(counted) == 0:
        return Share(0, 0.0, None, None, None)
    effective = effective_size(counted, _blocks(rows, chosen, horizon_ms))
    accuracy = float(counted.mean())
    return Share(len(counted), effective, accuracy, *wilson(accuracy, effective))


def _top(rows: OutOfSample, hits: Floats, share: float, counted: Flags, horizon_ms: int) -> Top:
    sure = rows.confident[share] & rows.answered
    return Top(share, float(sure.mean()), _share(rows, hits, counted & sure, horizon_ms))


def _references(
    rows: OutOfSample, hits: Floats, counted: Flags, horizon_ms: int
) -> dict[str, Rival]:
    """Return those of the references that said anything at all."""
    return {
        name: _reference(rows, hits, name, counted, horizon_ms)
        for name in REFERENCES
        if (rows.p_up[name] != 0.5).any()
    }


def _reference(
    rows: OutOfSample, hits: Floats, name: str, counted: Flags, horizon_ms: int
) -> Rival:
    said, moved, up = rows.p_up[name], rows.returns != 0, rows.returns > 0
    rival = _rival(rows, hits, np.sign(said - 0.5), counted, horizon_ms)
    return msgspec.structs.replace(rival, log_loss=log_loss(said[moved], up[moved]))


def _rival(rows: OutOfSample, hits: Floats, said: Floats, counted: Flags, horizon_ms: int) -> Rival:
    theirs = credit(said, np.sign(rows.returns))[counted]
    if len(theirs) == 0:
        return Rival(0.5, 0.0, None, None)
    ahead = hits[counted] - theirs
    mean = float(ahead.mean())
    variance = variance_of_mean(ahead, _blocks(rows, counted, horizon_ms))
    half = None if variance is None else Z95 * sqrt(variance)
    return Rival(
        accuracy=float(theirs.mean()),
        ahead=mean,
        ahead_low=None if half is None else mean - half,
        ahead_high=None if half is None else mean + half,
    )


def _fold(rows: OutOfSample, hits: Floats, inside: Flags) -> FoldScore:
    times, moved = rows.times_ms[inside], inside & (rows.returns != 0)
    counted = moved & rows.answered
    return FoldScore(
        begin_ms=int(times[0]),
        end_ms=int(times[-1]),
        trained_rows=int(rows.trained_rows[inside][0]),
        rows=len(times),
        moved=int(np.count_nonzero(moved)),
        accuracy=float(hits[counted].mean()) if counted.any() else None,
        log_loss=(
            log_loss(rows.p_up[rows.name][moved], rows.returns[moved] > 0) if moved.any() else None
        ),
    )
