"""What is computed of a market and what models use of it, by what there is to be known.

Models use the features of the predictor's `config.yaml`, so that one serves live. Those that come
with the program are made for a market with a book. Without one most of them are unknown; then
indicators that need no book stand in for them, all of them free of the price's level, so that they
mean the same next year. Both lists were chosen on the first half of the recordings of
docs/accuracy.md, whose second half they are judged by. Where somebody has configured other
features, those are used as far as they can be known, and nothing stands in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from marketstream.columns import FeatureTable, Floats, PriceSeries
from marketstream.timeframes import finest_first
from predictor.chosen_features import check_computed
from predictor.settings import DEFAULT_FEATURES
from predictor.training.prices import Label, label_prices
from realtime_training.settings import Settings
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.given import named
from technical_indicators.microstructure import POINT_NAMES

type Entry = str | dict[str, dict[str, int | float]]

_KNOWN_SHARE = 0.5
_LEADER = "leader"
_NO_LEADER = "nothing is known of another market: name one with --beside"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The features that models use; which of those configured they cannot, and why."""

    used: tuple[str, ...]
    unused: Mapping[str, str]


def label_of(prices: PriceSeries) -> Label:
    """Return the best label there are prices for, whether or not it may judge a model."""
    labels: tuple[Label, ...] = ("mid", "fair")
    known = (label for label in labels if np.isfinite(label_prices(prices, label)).any())
    return next(known, "close")


def computed(label: Label, settings: Settings) -> FeatureSettings:
    """Return what is computed for a market judged by a label."""
    if label == "mid" or is_configured(settings):
        return settings.features
    return _trades_alone() if label == "fair" else _candles_alone()


def chosen(label: Label, table: FeatureTable, settings: Settings) -> Chosen:
    """Return what models use of a table: without a book, what is known in most of its rows.

    Raises SettingsError where a feature that models are to use is not computed.
    """
    configured = tuple(dict.fromkeys(settings.predictor.features))
    _check_computed(configured, table, settings)
    if label == "mid":
        blind = {name: _NO_LEADER for name in configured if _is_blind(name, table)}
        return Chosen(tuple(name for name in configured if name not in blind), blind)
    unknown = {
        name: reason
        for name, values in zip(table.names, table.values.T, strict=True)
        if (reason := _why_unknown(name, values, table, settings)) is not None
    }
    unused = {
        name: unknown.get(name, "looks into less than one of the candles there are")
        for name in configured
        if name in unknown or name not in table.names
    }
    offered = configured if is_configured(settings) else table.names
    used = tuple(name for name in offered if name in table.names and name not in unknown)
    return Chosen(used, unused)


def is_configured(settings: Settings) -> bool:
    """Say whether somebody has chosen other features than those that come with the program."""
    return set(settings.predictor.features) != set(DEFAULT_FEATURES)


def with_features(settings: Settings, entries: Sequence[Entry]) -> Settings:
    """Return settings by which features are computed and used beside those that there are."""
    indicators = list(settings.features.indicators)
    indicators += [entry for entry in entries if entry not in indicators]
    used = dict.fromkeys([*settings.predictor.features, *map(_name_of, entries)])
    return replace(
        settings,
        features=settings.features.model_copy(update={"indicators": indicators}),
        predictor=settings.predictor.model_copy(update={"features": list(used)}),
    )


def _name_of(entry: Entry) -> str:
    if isinstance(entry, str):
        return entry
    [(name, parameters)] = entry.items()
    return named(name, parameters)


def _check_computed(names: Sequence[str], table: FeatureTable, settings: Settings) -> None:
    """Raise SettingsError where a feature is neither in a table nor would be in a finer one."""
    missing = sorted(set(names) - set(table.names))
    if not missing:
        return
    base = finest_first(settings.candles.timeframes)[0]
    computed = FeatureSet(base, base, settings.features).names
    check_computed(missing, computed)


def _is_blind(name: str, table: FeatureTable) -> bool:
    """Say whether a feature is of a leader that is never there."""
    return name.startswith(_LEADER) and not np.isfinite(table.columns([name])).any()


def _why_unknown(name: str, values: Floats, table: FeatureTable, settings: Settings) -> str | None:
    """Say why a feature is of no use: it is known in too few rows, by what the gates allow too."""
    gates = settings.predictor.gates
    known = np.isfinite(values)
    if not known.any():
        if name.startswith(_LEADER):
            return _NO_LEADER
        return "there is no book" if name.startswith(POINT_NAMES) else "never known in these data"
    share = known.sum() / max(1, len(table))
    if share < _KNOWN_SHARE:
        return f"known in {share:.0%} of the rows, and {_KNOWN_SHARE:.0%} are needed"
    judged = known[gates.warm_up :][table.complete[gates.warm_up :]]
    if len(judged) and judged.mean() < 1 - gates.missing:
        return f"known in {judged.mean():.0%} of the rows, and gates.missing is {gates.missing:g}"
    return None


def _trades_alone() -> FeatureSettings:
    return FeatureSettings(
        indicators=[
            *_periods("ROC", 1, 2, 3, 5, 10, 20, 30, 60, 120, 300),
            *(entry for name in ("RSI", "NATR", "ADX", "PLUS_DI", "MINUS_DI", "CCI", "WILLR", "MFI",
                                 "CMO") for entry in _periods(name, 14)),
            "STOCH", "STOCHRSI", "AROON", "ULTOSC",
        ],
        spans=["250ms", "500ms", "1s", "2s", "5s", "10s", "30s", "60s"],
    )  # fmt: skip


def _candles_alone() -> FeatureSettings:
    return FeatureSettings(
        indicators=[
            *_periods("ROC", 1, 2, 3, 5, 10, 15, 30, 60, 240),
            *_periods("RSI", 2, 5, 14, 60),
            *_periods("NATR", 14, 60, 240),
            *_periods("WILLR", 14, 60),
            *_periods("CCI", 14, 60),
            *_periods("ADX", 14),
            *_periods("MFI", 14),
            "BOP", "ULTOSC", "STOCH",
        ]
    )  # fmt: skip


def _periods(function: str, *periods: int) -> Sequence[Entry]:
    return [{function: {"timeperiod": period}} for period in periods]
