"""What one process published of very many markets, counted by the ids of trades."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from marketstream.messages import Gap, Stall, Status, Trades


@dataclass(frozen=True, slots=True)
class Tally:
    """What came; `lost` are ids that lie between two published ones and are in no gap."""

    trades: int
    silent_markets: int
    lost: int
    in_gaps: int
    doubled: int
    stalls: int


@dataclass(slots=True)
class _Market:
    """Stretches of ids as they came, from the first up to but without the last, and gaps."""

    came: list[list[int]] = field(default_factory=list)
    gaps: set[tuple[int, int]] = field(default_factory=set)

    def doubled(self) -> int:
        known, total = 0, 0
        for first, end in sorted(self.came):
            total += max(0, min(end, known) - first)
            known = max(known, end)
        return total

    def missing(self) -> list[tuple[int, int]]:
        """Return the stretches between the first and the last that did not come."""
        stretches = sorted(self.came)
        known, holes = stretches[0][0], []
        for first, end in stretches:
            if first > known:
                holes.append((known, first))
            known = max(known, end)
        return holes

    def declared(self, hole: tuple[int, int]) -> int:
        """Return how many ids of a hole gaps were told of."""
        known, total = hole[0], 0
        for first, end in sorted(self.gaps):
            total += max(0, min(end, hole[1]) - max(first, known))
            known = max(known, min(end, hole[1]))
        return total


class Ledger:
    """What was published of each market, by the ids of its trades."""

    def __init__(self) -> None:
        self.trades_so_far = 0
        self.connected: set[str] = set()
        self._markets: dict[str, _Market] = {}
        self._stalls = 0

    @property
    def heard(self) -> int:
        """How many markets have traded."""
        return sum(bool(one.came) for one in self._markets.values())

    def trades(self, message: Trades, _received_ns: int = 0) -> None:
        """Note the ids that a message has."""
        if not message.trades:
            return
        came = self._markets.setdefault(message.market, _Market()).came
        for trade in message.trades:
            first, end = trade.id - trade.count + 1, trade.id + 1
            self.trades_so_far += trade.count
            if came and came[-1][1] == first:
                came[-1][1] = end
            else:
                came.append([first, end])

    def gap(self, message: Gap, _received_ns: int = 0) -> None:
        """Note which ids are declared missing."""
        gaps = self._markets.setdefault(message.market, _Market()).gaps
        gaps.add((message.first_id, message.end_id))

    def stall(self, message: Stall, _received_ns: int = 0) -> None:
        """Count the stalls that begin."""
        self._stalls += message.until_us is None

    def status(self, message: Status, _received_ns: int = 0) -> None:
        """Note who is connected."""
        if getattr(message.said, "connected", False):
            self.connected.add(message.market)

    def tally(self, markets: Collection[str]) -> Tally:
        """Return what came of these markets, as far as each has been heard."""
        heard = [one for one in self._markets.values() if one.came]
        missing = in_gaps = 0
        for one in heard:
            for hole in one.missing():
                missing += hole[1] - hole[0]
                in_gaps += one.declared(hole)
        return Tally(
            trades=self.trades_so_far,
            silent_markets=len(markets) - len(heard),
            lost=missing - in_gaps,
            in_gaps=in_gaps,
            doubled=sum(one.doubled() for one in heard),
            stalls=self._stalls,
        )
