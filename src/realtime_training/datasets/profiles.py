"""What is computed of a market and what models use of it, by what there is to be known.

Where there is a book, it is what the services' `config.yaml` say, so that a model serves live.
Without one most of that is unknown; then indicators that need no book stand in for it, all of them
free of the price's level, so that they mean the same next year. Both lists were chosen on the first
half of the recordings of docs/accuracy.md, whose second half they are judged by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import FeatureTable
from marketstream.errors import SettingsError
from predictor.training.prices import Label, PriceSeries
from realtime_training.settings import Settings
from technical_indicators.feature_set import FeatureSettings

type Entry = str | dict[str, dict[str, int | float]]

_KNOWN_SHARE = 0.5


def label_of(prices: PriceSeries) -> Label:
    """Return the best label there are prices for, whether or not it may judge a model."""
    labels: tuple[Label, ...] = ("mid", "fair")
    return next((label for label in labels if np.isfinite(prices.of(label)).any()), "close")


def computed(label: Label, settings: Settings) -> FeatureSettings:
    """Return what is computed for a market judged by a label."""
    if label == "fair":
        return _trades_alone()
    return _candles_alone() if label == "close" else settings.features


def used(label: Label, table: FeatureTable, settings: Settings) -> tuple[str, ...]:
    """Return what models use of a table: without a book, all that is known in half of its rows.

    Raises SettingsError where a feature that models are to use is not computed.
    """
    if label == "mid":
        unknown = sorted(set(settings.predictor.features) - set(table.names))
        if unknown:
            raise SettingsError(
                f"features: {unknown[0]} is not computed: add it to "
                "technical_indicators/config.yaml, or choose among " + ", ".join(table.names)
            )
        return tuple(settings.predictor.features)
    known = np.isfinite(table.values).sum(axis=0) >= _KNOWN_SHARE * max(1, len(table))
    return tuple(name for name, there in zip(table.names, known, strict=True) if there)


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
