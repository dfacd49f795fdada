"""What a leak is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type Kind = Literal["truncation", "warm-up", "streaming", "overlap", "fitting", "horizon"]

LABEL = "label"


@dataclass(frozen=True, slots=True)
class Leak:
    """Where something was known that could not be: a feature, or the label, at a decision."""

    kind: Kind
    feature: str
    time_ms: int
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.feature} at {self.time_ms}: {self.detail}"
