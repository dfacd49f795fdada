"""Notices gaps and stalls that last, and those that end after they were told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from marketstream.messages import Gap, Stall
from marketstream.moments import iso
from storekeeper.alerts.alert import Alert, Details, Kind

BEGAN, ENDED = "began", "ended"

_WORTH_MS = 86_400_000
_MOST = 10_000
_NOTHING = "stalled, nothing since {since} where there always is something"
_ON = "goes on, after a stall that began at {since}"
_QUIET = "was quiet since {since}: the exchange has no trade since then either"
_SAID = {  # by subject, whether it is about quotes, and whether the market was quiet
    (BEGAN, False, False): _NOTHING,
    (BEGAN, True, False): "no quotes since {since}, while trades go on",
    (ENDED, False, False): _ON,
    (ENDED, False, True): _QUIET,
    (ENDED, True, False): "quotes come again, after none since {since}",
    (ENDED, True, True): "quotes come again, after none since {since}",
}

type Fault = Gap | Stall
type MayTell = Callable[[Kind, str, str], bool]
"""Says whether something of a kind, market and subject may be told now."""


class Faults:
    """What markets lack: all that is new of a market and kind makes one alert.

    A gap is told once its trades are lost, or `after_ms` after it was heard of; a stall once it has
    lasted for as long. Of what ends before that nothing is told, nor that a stall has ended while
    the next one lasts. `told` is what was told and is not over.
    """

    def __init__(self, after_ms: int, told: Iterable[Fault] = ()) -> None:
        self._after_ms = after_ms
        self._new: dict[object, tuple[Fault, int]] = {}  # and when it was heard of
        self._told: dict[object, Fault] = {_key(fault): fault for fault in told}
        self._over: dict[object, Fault] = {}

    @property
    def told(self) -> list[Fault]:
        """What was told and is not over."""
        return list(self._told.values())

    def hear(self, fault: Fault, now_ms: int) -> None:
        """Note how a gap or stall is now."""
        key = _key(fault)
        told = self._told.get(key)
        if _is_on(fault):
            if told is None or _is_lost(fault) > _is_lost(told):
                _, heard_ms = self._new.get(key, (fault, now_ms))
                self._new[key] = fault, heard_ms
        else:
            self._new.pop(key, None)
            if self._told.pop(key, None) is not None:
                self._over[key] = fault
        for faults in (self._new, self._told, self._over):
            if len(faults) > _MOST:
                del faults[next(iter(faults))]

    def forget(self, fault: Fault) -> None:
        """Pass over one of which nobody will say any more how it ended."""
        self._told.pop(_key(fault), None)

    def take(self, now_ms: int, may_tell: MayTell) -> list[Alert]:
        """Return what is to be told by now; it is not told again."""
        groups: dict[tuple[Kind, str, str], list[object]] = {}
        on = {fault.market for fault in self._told.values() if isinstance(fault, Stall)}
        for key, (fault, heard_ms) in self._new.items():
            if isinstance(fault, Stall):
                on.add(fault.market)
            if _is_lost(fault) or now_ms - heard_ms >= self._after_ms:
                groups.setdefault((_kind(fault), fault.market, BEGAN), []).append(key)
        for key, fault in self._over.items():
            if isinstance(fault, Gap) or fault.market not in on:
                groups.setdefault((_kind(fault), fault.market, ENDED), []).append(key)
        alerts = []
        for (kind, market, subject), keys in groups.items():
            if may_tell(kind, market, subject):
                if subject == BEGAN:
                    faults = [self._new.pop(key)[0] for key in keys]
                    self._told.update(zip(keys, faults, strict=True))
                else:
                    faults = [self._over.pop(key) for key in keys]
                alerts.append(_alert(kind, market, subject, faults, now_ms))
        return alerts


def _key(fault: Fault) -> object:
    return (_kind(fault), *fault.identity)


def _kind(fault: Fault) -> Kind:
    return "gap" if isinstance(fault, Gap) else "stall"


def _is_on(fault: Fault) -> bool:
    return fault.state != "repaired" if isinstance(fault, Gap) else fault.end == "open"


def _is_lost(fault: Fault) -> bool:
    return isinstance(fault, Gap) and fault.state == "lost"


def _alert(kind: Kind, market: str, subject: str, faults: Sequence[Fault], now_ms: int) -> Alert:
    since_ms = min(fault.since_us for fault in faults) // 1_000
    details: Details = {"since_ms": since_ms, "count": len(faults)}
    gaps = [fault for fault in faults if isinstance(fault, Gap)]
    if gaps:
        trades = sum(gap.end_id - gap.first_id for gap in gaps)
        lost = sum(map(_is_lost, gaps))
        became = f"{lost} lost, {len(gaps) - lost} still asked for"
        known = _some(trades, "trade") if trades else "an unknown number of trades"
        text = (
            f"{market}: {_some(len(gaps), 'gap')} of {known} since {iso(since_ms)}: "
            f"{became if subject == BEGAN else 'repaired'}"
        )
        details["trades"] = trades
    else:
        newest = max(
            (one for one in faults if isinstance(one, Stall)), key=lambda one: one.since_us
        )
        text = f"{market}: {_SAID[subject, newest.channel == 'quotes', newest.end == 'quiet']}"
        text = text.format(since=iso(since_ms))
        details |= {"channel": newest.channel, "end": newest.end}
    return Alert(kind, market, subject, text, now_ms, now_ms + _WORTH_MS, details)


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
