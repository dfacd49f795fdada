"""What each family of features adds: with all of them, and without one, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import sqrt

import msgspec
import numpy as np

from marketstream.columns import FeatureTable, Floats, PriceSeries, Times
from marketstream.uncertainty import HORIZONS_PER_BLOCK, Z95, credit, variance_of_mean
from predictor.settings import PredictorSettings
from predictor.training.calibration import log_losses
from predictor.training.dataset import Dataset, labelled
from predictor.training.prices import Label
from predictor.validation.out_of_sample import Advanced, walk


class Paired(msgspec.Struct, frozen=True):
    """A mean difference on the same rows with its 95 % bounds; None where there are too few."""

    mean: float
    low: float | None
    high: float | None


class Family(msgspec.Struct, frozen=True):
    """What the learner is without some features, and what they add: above 0 where it is better.

    `points` is the difference in the share of right directions, `gain` that in log loss.
    """

    name: str
    features: tuple[str, ...]
    accuracy: float
    log_loss: float
    points: Paired
    gain: Paired


class Ablation(msgspec.Struct, frozen=True):
    """A learner with all features at one horizon and latency, over rows that moved; no abstention.

    `rows` are those that it was asked about with all features and without each family.
    """

    model: str
    horizon_ms: int
    latency_ms: int
    rows: int
    accuracy: float
    log_loss: float
    families: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Probabilities of up for the rows that were judged."""

    times_ms: Times
    returns: Floats
    p_up: Floats


def ablate(
    table: FeatureTable,
    prices: PriceSeries,
    horizon_ms: int,
    settings: PredictorSettings,
    families: Mapping[str, Sequence[str]],
    *,
    label: Label = "mid",
    latency_ms: int = 0,
    advanced: Advanced | None = None,
) -> Ablation | None:
    """Walk the configured learner forward with all features, and without each family.

    Of a family that is left out nothing is there, not for the references that the learner corrects
    either; where no feature is left, a coin answers. None where too few rows moved.
    """
    data = labelled(table, prices, horizon_ms=horizon_ms, latency_ms=latency_ms, label=label)
    return ablate_rows(data, settings, families, advanced=advanced)


def ablate_rows(
    data: Dataset,
    settings: PredictorSettings,
    families: Mapping[str, Sequence[str]],
    *,
    advanced: Advanced | None = None,
) -> Ablation | None:
    """Do the same over rows that have their labels, each at a time of its own."""
    every = tuple(name for names in families.values() for name in names)

    def asked(names: tuple[str, ...]) -> _Asked | None:
        if not names:
            return None
        less = settings.model_copy(update={"features": list(names)})
        rows = walk(replace(data, names=names, values=data.columns(names)), less)
        return None if rows is None else _Asked(rows.times_ms, rows.returns, rows.p_up[rows.name])

    def told(done: int) -> None:
        if advanced is not None:
            advanced(done, len(families) + 1)

    whole = asked(every)
    told(1)
    if whole is None:
        return None
    without = {}
    for done, (family, names) in enumerate(families.items(), 2):
        left = asked(tuple(name for name in every if name not in names))
        without[family] = left or _Asked(
            whole.times_ms, whole.returns, np.full(len(whole.p_up), 0.5)
        )
        told(done)
    judged = [whole, *without.values()]
    common = reduce(np.intersect1d, [each.times_ms[each.returns != 0] for each in judged])
    if len(common) == 0:
        return None
    sign = np.sign(_at(whole, whole.returns, common))
    blocks = common // (HORIZONS_PER_BLOCK * data.horizon_ms)
    hits, losses = _scored(_at(whole, whole.p_up, common), sign)
    found = []
    for family, left in without.items():
        less_hits, less_losses = _scored(_at(left, left.p_up, common), sign)
        found.append(
            Family(
                name=family,
                features=tuple(families[family]),
                accuracy=float(less_hits.mean()),
                log_loss=float(less_losses.mean()),
                points=_paired(hits - less_hits, blocks),
                gain=_paired(less_losses - losses, blocks),
            )
        )
    return Ablation(
        model=settings.model.type,
        horizon_ms=data.horizon_ms,
        latency_ms=data.latency_ms,
        rows=len(common),
        accuracy=float(hits.mean()),
        log_loss=float(losses.mean()),
        families=tuple(found),
    )


def _at(asked: _Asked, values: Floats, times_ms: Times) -> Floats:
    return np.asarray(values[np.searchsorted(asked.times_ms, times_ms)])


def _scored(p_up: Floats, sign: Floats) -> tuple[Floats, Floats]:
    """Return who was right, one half for a coin, and the log losses."""
    return credit(np.sign(p_up - 0.5), sign), log_losses(p_up, sign > 0)


def _paired(ahead: Floats, blocks: Times) -> Paired:
    mean, variance = float(ahead.mean()), variance_of_mean(ahead, blocks)
    half = None if variance is None else Z95 * sqrt(variance)
    return Paired(mean, *((None, None) if half is None else (mean - half, mean + half)))
