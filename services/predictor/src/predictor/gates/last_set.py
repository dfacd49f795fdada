"""What a market's models were last trained on: kept beside the Data Docs, to see drift by."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from marketstream.columns import FeatureTable
from predictor.gates.distribution import Distribution
from predictor.training.prices import Label

_FILE = "last-set.json"


class LastSet(msgspec.Struct, frozen=True):
    """Its label, its times, and how its features were distributed."""

    label: Label
    first_ms: int
    last_ms: int
    step_ms: int
    distributions: dict[str, Distribution]

    @classmethod
    def of(cls, table: FeatureTable, label: Label, distributions: dict[str, Distribution]) -> Self:
        """Return what is kept of a set."""
        times = table.close_time_ms
        return cls(label, int(times[0]), int(times[-1]), _step_ms(table), distributions)

    def compares(self, table: FeatureTable, label: Label) -> bool:
        """Say whether a set can be compared with it.

        It says nothing of another label or timeframe, nor of a market long after: one that is
        farther away in time than it is long.
        """
        after_ms = int(table.close_time_ms[0]) - self.last_ms
        near = after_ms <= self.last_ms - self.first_ms
        return near and self.label == label and self.step_ms == _step_ms(table)

    @classmethod
    def read(cls, folder: Path | None) -> Self | None:
        """Return what is kept in a folder; None where nothing is, or what is there is damaged."""
        if folder is None:
            return None
        try:
            return msgspec.json.decode((folder / _FILE).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, folder: Path) -> None:
        """Keep it in a folder; raises OSError where that cannot be done."""
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / f"{_FILE}.new"
        written.write_bytes(msgspec.json.encode(self))
        written.replace(folder / _FILE)


def _step_ms(table: FeatureTable) -> int:
    return int(np.median(np.diff(table.close_time_ms))) if len(table) > 1 else 0
