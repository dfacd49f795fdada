"""`realtime evaluate --ablate`: what each family of features adds, at several latencies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from marketstream.errors import SettingsError
from marketstream.readers import kind_of
from predictor.settings import PredictorSettings
from predictor.training.prices import choose_label, on_grid
from predictor.validation.ablation import Ablation, ablate_rows
from realtime_training.commands.evaluate.work import (
    Stage,
    Wanted,
    check_features,
    rows_of,
    settings_for,
    told_of,
)
from realtime_training.datasets import Recorded
from realtime_training.datasets.profiles import Entry, is_configured, with_features
from realtime_training.settings import Settings

LATENCIES_MS = (0, 100, 250)
_FINEST = "50ms"  # of which 100 and 250 ms are multiples: a latency is never rounded away
_LEVELS = 10

# Beside those that models come with: what docs/accuracy.md has tried one by one, and levels.
_OF_FRAMES: tuple[Entry, ...] = (
    {"quote_ofi": {"seconds": 0.25}}, {"quote_ofi": {"seconds": 1}}, {"quote_ofi": {"seconds": 5}},
    "quote_depletion",
    {"flow_share": {"seconds": 2}}, {"flow_share": {"seconds": 10}},
    {"flow_pressure": {"seconds": 10}},
    {"fair_distance": {"seconds": 5}}, "mid_age", {"mid_autocorrelation": {"seconds": 5}},
    {"book_imbalance": {"levels": 3}}, {"book_imbalance": {"levels": 10}},
    {"book_microprice": {"levels": 5}}, {"book_slope": {"levels": 10}},
    {"book_ofi_integrated": {"levels": 5, "seconds": 1}},
)  # fmt: skip
_OF_LEADERS: tuple[Entry, ...] = (
    "leader_imbalance",
    "leader_basis",
    *(
        {name: {"seconds": seconds}}
        for name in ("leader_return", "leader_flow", "leader_basis_change")
        for seconds in (0.25, 1, 5)
    ),
)

_LEVELS_OF_BOOK = "book, levels"
# A feature belongs to the first family whose beginning it has.
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "other markets": ("leader",),
    _LEVELS_OF_BOOK: ("book_",),
    "book, queues": ("quote_",),
    "book, best": ("imbalance", "spread", "close_against_mid"),
    "flow": ("flow_", "trades_", "trade_rate"),
    "price": ("return_", "volatility_", "mid_", "fair_", "vwap_"),
    "perpetual": ("mark_", "index_", "funding_", "open_interest_", "liquidation_"),
    "calendar": ("time_",),
}
_OF_OTHERS = "other timeframes"  # whose names end in one: rsi_14_1m, candle_age_1m
_IN_TIMEFRAME = re.compile(r"_\d+(ms|[smhd])$")
_REST = "indicators"


@dataclass(frozen=True, slots=True)
class Ablated:
    """One model at one horizon and one of the latencies asked for, None where rows were too few."""

    model: str
    horizon: int
    latency_ms: int
    ablation: Ablation | None


def check_options(
    target: str, cost_bps: float, tune_ms: int | None, pictures: Path | None, label: str | None
) -> None:
    """Raise SettingsError where an option is given that says nothing of families."""
    given = {
        f"--target {target}": target != "direction",
        "--cost-bps": cost_bps > 0,
        "--tune": tune_ms is not None,
        "--pictures": pictures is not None,
        f"--label {label}": label is not None,
    }
    named = " and ".join(name for name, is_given in given.items() if is_given)
    if named:
        raise SettingsError(
            f"{named} with --ablate: it compares features for the direction, on the same rows, by "
            "accuracy and log loss: leave it out"
        )


def settings_of(
    settings: Settings, files: Sequence[Path], beside: Sequence[tuple[str, Path]]
) -> Settings:
    """Return settings that compute all families that files may tell of.

    Where somebody has configured other features than those that models come with, those are it.
    Trades and candles keep the lists that stand in where there is no book.
    """
    if any(kind_of(file) != "frames" for file in files):
        return settings
    finest = settings.candles.model_copy(
        update={"timeframes": list(dict.fromkeys([_FINEST, *settings.candles.timeframes]))}
    )
    book = settings.trades.model_copy(
        update={"levels": max(_LEVELS, settings.trades.levels), "context": True}
    )
    settings = replace(settings, candles=finest, trades=book)
    if is_configured(settings):
        return settings
    return with_features(settings, [*_OF_FRAMES, *(_OF_LEADERS if beside else ())])


def known_of(data: Recorded) -> Recorded:
    """Return the dataset without the features that are never known."""
    known = np.isfinite(data.table.values).any(axis=0)
    blind = [name for name in data.used if not known[data.table.names.index(name)]]
    reasons = {
        name: "levels of the book are not in these data"
        if family_of(name) == _LEVELS_OF_BOOK
        else "never known in these data"
        for name in blind
    }
    used = tuple(name for name in data.used if name not in reasons)
    return replace(data, used=used, unused={**data.unused, **reasons})


def families_of(data: Recorded) -> dict[str, tuple[str, ...]]:
    """Return the features that models use, by family."""
    families: dict[str, list[str]] = {}
    for name in data.used:
        families.setdefault(family_of(name), []).append(name)
    order = [*_FAMILIES, _OF_OTHERS, _REST]
    return {family: tuple(families[family]) for family in order if family in families}


def family_of(name: str) -> str:
    """Return the family of a feature."""
    rest = _OF_OTHERS if _IN_TIMEFRAME.search(name) else _REST
    return next((each for each, begins in _FAMILIES.items() if name.startswith(begins)), rest)


def latencies_of(data: Recorded, wanted: Wanted) -> tuple[int, ...]:
    """Return the latencies to compare at: those that are not the same by these prices.

    One that is asked for is the only one.
    """
    if wanted.latency_ms:
        return (wanted.latency_ms,)
    base_ms = data.prices.base_ms
    return tuple({on_grid(each, base_ms): each for each in reversed(LATENCIES_MS)}.values())[::-1]


def ablate_all(
    data: Recorded,
    wanted: Wanted,
    settings: PredictorSettings,
    *,
    advanced: Stage | None = None,
) -> list[Ablated]:
    """Leave out each family, of each model at each horizon and latency.

    Raises InputError where the prices allow no honest label, or nothing is known.
    """
    check_features(data, settings)
    label, families = choose_label(data.prices), families_of(data)
    results = []
    for model in wanted.models:
        chosen = settings_for(data, model, settings, folds=wanted.folds)
        for horizon in wanted.horizons:
            for latency_ms in latencies_of(data, wanted):
                name = f"{model} {horizon} x {data.timeframe}, {latency_ms} ms"
                rows = rows_of(data, horizon, label, latency_ms)
                found = ablate_rows(rows, chosen, families, advanced=told_of(advanced, name))
                results.append(Ablated(model, horizon, latency_ms, found))
    return results


def summary(data: Recorded, results: Sequence[Ablated]) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "symbol": data.symbol,
        "timeframe": data.timeframe,
        "label": data.label,
        "base_ms": data.prices.base_ms,
        "rows": len(data.table),
        "families": families_of(data),
        "features_not_used": dict(data.unused),
        "data": data.identity,
        "ablations": [
            {
                "model": each.model,
                "horizon": each.horizon,
                "latency_ms": each.latency_ms,
                "ablation": msgspec.to_builtins(each.ablation),
            }
            for each in results
        ],
    }
