"""Notices gaps and stalls that last, and those that end after they were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from marketstream.messages import Gap, Stall
from marketstream.moments import iso
from storekeeper.alerts.alert import Alert, Details, Kind

_WORTH_MS = 86_400_000
_MOST = 10_000

type Fault = Gap | Stall
type MayTell = Callable[[Kind, str, str], bool]
"""Says whether something of a kind, market and subject may be told now."""


class Faults:
    """What markets lack: all that is new of a market and kind makes one alert.

    A gap is told once its trades are lost, or it has been open for `after_ms`; a stall once it has
    lasted for as long. Of what ends before that nothing is told.
    """

    def __init__(self, after_ms: int) -> None:
        self._after_ms = after_ms
        self._new: dict[object, Fault] = {}
        self._told: dict[object, Fault] = {}
        self._over: dict[object, Fault] = {}

    def hear(self, fault: Fault) -> None:
        """Note how a gap or stall is now."""
        key = (_kind(fault), *fault.identity)
        told = self._told.get(key)
        if _is_on(fault):
            if told is None or _is_lost(fault) > _is_lost(told):
                self._new[key] = fault
        else:
            self._new.pop(key, None)
            if self._told.pop(key, None) is not None:
                self._over[key] = fault
        for faults in (self._new, self._told, self._over):
            if len(faults) > _MOST:
                del faults[next(iter(faults))]

    def take(self, now_ms: int, may_tell: MayTell) -> list[Alert]:
        """Return what is to be told by now; it is not told again."""
        groups: dict[tuple[Kind, str, str], list[object]] = {}
        for key, fault in self._new.items():
            if _is_lost(fault) or now_ms - fault.since_us // 1_000 >= self._after_ms:
                groups.setdefault((_kind(fault), fault.market, "began"), []).append(key)
        for key, fault in self._over.items():
            groups.setdefault((_kind(fault), fault.market, "ended"), []).append(key)
        alerts = []
        for (kind, market, subject), keys in groups.items():
            if may_tell(kind, market, subject):
                if subject == "began":
                    faults = [self._new.pop(key) for key in keys]
                    self._told.update(zip(keys, faults, strict=True))
                else:
                    faults = [self._over.pop(key) for key in keys]
                alerts.append(_alert(kind, market, subject, faults, now_ms))
        return alerts


def _kind(fault: Fault) -> Kind:
    return "gap" if isinstance(fault, Gap) else "stall"


def _is_on(fault: Fault) -> bool:
    return fault.state != "repaired" if isinstance(fault, Gap) else fault.end == "open"


def _is_lost(fault: Fault) -> bool:
    return isinstance(fault, Gap) and fault.state == "lost"


def _alert(kind: Kind, market: str, subject: str, faults: Sequence[Fault], now_ms: int) -> Alert:
    since_ms = min(fault.since_us for fault in faults) // 1_000
    gaps = [fault for fault in faults if isinstance(fault, Gap)]
    trades = sum(gap.end_id - gap.first_id for gap in gaps)
    if gaps:
        lost = sum(map(_is_lost, gaps))
        became = f"{lost} lost, {len(gaps) - lost} still asked for"
        text = (
            f"{market}: {_some(len(gaps), 'gap')} of {_some(trades, 'trade')} "
            f"since {iso(since_ms)}: "
            f"{became if subject == 'began' else 'repaired'}"
        )
    elif subject == "began":
        text = f"{market}: stalled, nothing since {iso(since_ms)} where there always is something"
    else:
        text = f"{market}: goes on, after a stall that began at {iso(since_ms)}"
    details: Details = {"since_ms": since_ms, "count": len(faults), "trades": trades}
    return Alert(kind, market, subject, text, now_ms, now_ms + _WORTH_MS, details)


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
