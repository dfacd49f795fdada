"""The features that models use have to be among those that are computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean


def check_computed(chosen: Collection[str], computed: Sequence[str]) -> None:
    """Raise SettingsError, with the nearest name, where a chosen feature is not computed."""
    unknown = sorted(set(chosen) - set(computed))
    if unknown:
        raise SettingsError(
            f"features: {unknown[0]} is not computed: {did_you_mean(unknown[0], computed)}"
            "add it to technical_indicators/config.yaml, or choose among " + ", ".join(computed)
        )
