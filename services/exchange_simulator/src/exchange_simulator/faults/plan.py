"""Which faults there are at the moment: by rules and seed, or begun and ended at a word."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from exchange_simulator.faults.kinds import Kind, kind_of
from exchange_simulator.faults.marks import Marks
from exchange_simulator.faults.spec import Rule, Spec
from marketstream.errors import SettingsError

_LOG_ROWS = 100_000


@dataclass(eq=False)
class Fault:
    """One fault: of a market or of all (None), for `seconds`, or once where that is None."""

    number: int
    kind: Kind
    market: str | None
    share: float
    seconds: float | None
    began_us: int
    ends_s: float | None
    ended_us: int | None = None
    struck: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def row(self) -> dict[str, object]:
        """Return what the log says of it; times are unix times in microseconds."""
        return {
            "number": self.number, "kind": self.kind.name, "symbol": self.market,
            "begin_us": self.began_us, "end_us": self.ended_us, "struck": self.struck,
        }  # fmt: skip


@dataclass
class _Due:
    rule: Rule
    draws: random.Random
    at_s: float = field(default=0.0)


class Faults:
    """The faults of a running exchange, and their log.

    `wire_symbols` are its markets, `marks` tell where in its frames to strike. What the rules
    choose comes from the seed alone: which kind after how many seconds, of which market, and which
    frames by what is in them.
    """

    def __init__(
        self,
        spec: Spec,
        wire_symbols: Sequence[str],
        marks: Marks,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seed = spec.seed
        self.symbols = tuple(wire_symbols)
        self.marks = marks
        self.on_begin: Callable[[Fault], None] = _nothing
        self.on_end: Callable[[Fault], None] = _nothing
        self._now_s = now_s
        self._log: deque[Fault] = deque(maxlen=_LOG_ROWS)
        self._active: dict[str, list[Fault]] = {}
        self._count = 0
        self._due: list[_Due] | None = None
        self._rules = [rule for rule in spec.rules if rule.per_minute is not None]
        for rule in spec.rules:
            if rule.per_minute is None:
                self._add(rule.kind, None, share=rule.share, seconds=None, ends_s=float("inf"))

    def begin(
        self,
        kind: str,
        market: str | None = None,
        seconds: float | None = None,
        share: float | None = None,
    ) -> Fault:
        """Begin a fault; `seconds` and `share` are the kind's where not given.

        Raises SettingsError for a kind, market, duration or share that does not exist.
        """
        found = kind_of(kind)
        if market is not None and market not in self.symbols:
            names = ", ".join(self.symbols)
            raise SettingsError(f"no market is called {market!r} here: there are {names}")
        if seconds is not None and not 0 < seconds < float("inf"):
            raise SettingsError(f"a fault of {seconds:g} s makes no sense: give more than 0")
        if share is not None and not 0 < share <= 1:
            raise SettingsError(f"a share of {share:g} makes no sense: give up to 1")
        lasting = found.seconds if seconds is None else seconds
        if found.place == "numbering" or found.name in ("cut", "close", "server_shutdown", "huge"):
            lasting = None
        ends_s = None if lasting is None else self._now_s() + lasting
        chance = (found.share if share is None else share) if lasting is not None else 1.0
        return self._add(found, market, share=chance, seconds=lasting, ends_s=ends_s)

    def end(self, kind: str, market: str | None = None) -> int:
        """End the faults of a kind, of one market or of all; return how many."""
        kind_of(kind)
        ending = [f for f in self._active.get(kind, []) if market is None or f.market == market]
        for fault in ending:
            self._finish(fault)
        return len(ending)

    def advance(self) -> None:
        """Let the rules begin what is due, and end what has lasted long enough."""
        now_s = self._now_s()
        for faults in list(self._active.values()):
            for fault in [f for f in faults if f.ends_s is not None and f.ends_s <= now_s]:
                self._finish(fault)
        if self._due is None:
            self._due = [_Due(rule, draws(self.seed, rule.kind.name)) for rule in self._rules]
            for due in self._due:
                due.at_s = now_s + _pause_s(due)
        for due in self._due:
            if due.at_s <= now_s:
                market = due.draws.choice((None, *self.symbols))
                self.begin(due.rule.kind.name, market, due.rule.seconds)
                due.at_s += _pause_s(due)

    def active(self, kind: str, market: str | None = None) -> Fault | None:
        """Return the newest fault of a kind that strikes a market, or any where that is None."""
        for fault in reversed(self._active.get(kind, ())):
            over = fault.ends_s is not None and fault.ends_s <= self._now_s()
            if not over and (market is None or fault.market in (None, market)):
                return fault
        return None

    def struck(self, fault: Fault) -> None:
        """Note that a fault has struck; one that strikes once is over."""
        fault.struck += 1
        if fault.ends_s is None:
            self._finish(fault)

    def left_s(self, fault: Fault) -> float:
        """Return for how many seconds a fault goes on; 1 for one without an end."""
        if fault.ends_s is None or fault.ends_s == float("inf"):
            return 1.0
        return max(0.0, fault.ends_s - self._now_s())

    def log(self) -> list[dict[str, object]]:
        """Return all faults so far, the oldest first."""
        return [fault.row() for fault in self._log]

    def _add(
        self, kind: Kind, market: str | None, *, share: float, seconds: float | None,
        ends_s: float | None,
    ) -> Fault:  # fmt: skip
        self._count += 1
        began_us = time.time_ns() // 1_000
        fault = Fault(self._count, kind, market, share, seconds, began_us, ends_s)
        self._log.append(fault)
        self._active.setdefault(kind.name, []).append(fault)
        self.on_begin(fault)
        return fault

    def _finish(self, fault: Fault) -> None:
        active = self._active.get(fault.kind.name, [])
        if fault not in active:
            return
        active.remove(fault)
        if not active:
            del self._active[fault.kind.name]
        fault.over.set()
        fault.ended_us = time.time_ns() // 1_000
        self.on_end(fault)


def draws(seed: int, *what: object) -> random.Random:
    """Return the draws that a seed makes for one purpose."""
    name = ":".join(map(str, (seed, *what)))
    return random.Random(name)  # noqa: S311 - which fault, no secret


def _nothing(_: Fault) -> None:
    return


def _pause_s(due: _Due) -> float:
    return due.draws.expovariate((due.rule.per_minute or 1.0) / 60)
