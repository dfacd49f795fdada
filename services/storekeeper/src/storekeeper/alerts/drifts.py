"""Notices that a market has become another one than its models were trained on."""

from __future__ import annotations

from marketstream.messages import Learning
from storekeeper.alerts.alert import Alert, Details
from storekeeper.alerts.faults import MayTell

_WORTH_MS = 86_400_000


class Drifts:
    """The drifts that brought trainings; `told` has the moment of the last one told by market."""

    def __init__(self, told: dict[str, int]) -> None:
        self._told = told
        self._new: dict[str, tuple[int, str]] = {}

    def hear(self, market: str, learning: Learning) -> None:
        """Note what the predictor says, again and again, of a market."""
        at_ms, drift = learning.drift_ms, learning.drift
        if at_ms is not None and drift is not None and at_ms > self._told.get(market, -1):
            self._new[market] = at_ms, drift

    def take(self, now_ms: int, may_tell: MayTell) -> list[Alert]:
        """Return what is to be told by now; it is not told again."""
        alerts = []
        for market, (at_ms, drift) in list(self._new.items()):
            if may_tell("drift", market, "trained"):
                del self._new[market]
                self._told[market] = at_ms
                text = f"{market}: {drift}; models are trained anew"
                details: Details = {"since_ms": at_ms, "drift": drift}
                until_ms = now_ms + _WORTH_MS
                alerts.append(Alert("drift", market, "trained", text, now_ms, until_ms, details))
        return alerts
