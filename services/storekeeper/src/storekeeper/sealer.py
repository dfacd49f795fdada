"""Seals predictions, and later their outcomes, once nothing more can come of their closes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from marketstream.ports import Ports
from marketstream.sealing import (
    CHAINS,
    OUTCOMES,
    PREDICTIONS,
    SEALED_MS,
    Chain,
    Digest,
    Link,
    Sealed,
)
from marketstream.store.rows import Stored
from marketstream.timeframes import timeframe_ms
from storekeeper.aging import PAUSE_S, every_minute
from storekeeper.counting import counted

_GRACE_MS = 120_000  # of the market's time: what comes of a close has been stored by then
_AT_ONCE_MS = 20_000  # some hundred rows: others want the interpreter too

type _Series = tuple[str, Chain]


class Sealer:
    """Adds to the chains of each market what was predicted, ten minutes of closes at a time.

    Outcomes come in the order of the moments they are about, so all of a stretch are there when
    there are outcomes of closes that are later by the longest horizon: `horizons_ms` are those that
    are predicted now, and what a stretch has of longer ones is waited for too. With its outcomes
    sealed a stretch is counted, in the same writing: each outcome once, whenever that is ended.
    """

    def __init__(
        self,
        markets: Sequence[str],
        timeframe: str,
        horizons_ms: Sequence[int],
        ports: Ports,
        finest: str | None = None,
    ) -> None:
        self._finest = timeframe if finest is None else finest
        self._markets = markets
        self._timeframe = timeframe
        self._horizon_ms = max(horizons_ms)
        self._ports = ports
        self._last: dict[_Series, Link] = {}
        self._looked_ms: dict[_Series, int] = {}

    async def run(self) -> None:
        """Seal what is over, once a minute, until cancelled."""
        await every_minute(self.seal, "Predictions and outcomes are not sealed")

    async def seal(self) -> int:
        """Seal all that is over by now; return how many seals that were.

        StateError where the store cannot be used: what is left is sealed the next time.
        """
        return sum(
            [await self._seal(market, chain) for market in self._markets for chain in CHAINS]
        )

    async def _seal(self, market: str, chain: Chain) -> int:
        store, timeframe = await asyncio.to_thread(self._ports.store), self._timeframe
        series = (market, chain)
        if series not in self._last:
            seals = await asyncio.to_thread(chain.seals, store, market, timeframe)
            self._last |= {series: seals[-1]} if seals else {}
        last = self._last.get(series)
        span = await asyncio.to_thread(chain.span, store, market, timeframe)
        if span is None:
            return 0
        first_ms = span[0] - span[0] % SEALED_MS if last is None else last.to_ms
        from_ms = max(first_ms, self._looked_ms.get(series, first_ms))
        made = 0
        while await self._is_over(series, from_ms, span[1]):
            digest = await self._read(series, from_ms)
            if digest.rows:
                seal = digest.seal(chain, market, timeframe, from_ms, self._last.get(series))
                rows: list[Stored] = [seal]
                if chain is OUTCOMES:
                    stretch = (timeframe, self._finest, from_ms, seal.to_ms)
                    rows.append(await counted(store, market, *stretch))
                await asyncio.to_thread(store.write, rows)
                self._last[series] = seal
                made += 1
            from_ms = self._looked_ms[series] = from_ms + SEALED_MS
        return made

    async def _is_over(self, series: _Series, from_ms: int, seen_ms: int) -> bool:
        market, chain = series
        left_ms = seen_ms - (from_ms + SEALED_MS + _GRACE_MS)
        if chain is PREDICTIONS:
            return left_ms >= 0
        return left_ms >= self._horizon_ms and left_ms >= await self._longest_ms(market, from_ms)

    async def _longest_ms(self, market: str, from_ms: int) -> int:
        """Return the longest horizon that was predicted at the ends of a stretch."""
        width_ms = min(max(timeframe_ms(self._timeframe), _AT_ONCE_MS), SEALED_MS)
        ends_ms = (from_ms, from_ms + SEALED_MS - width_ms)
        rows = [await self._rows((market, PREDICTIONS), end_ms, width_ms) for end_ms in ends_ms]
        return max((one.horizon_ms for some in rows for one in some), default=0)

    async def _rows(
        self, series: _Series, since_ms: int, width_ms: int = _AT_ONCE_MS
    ) -> Sequence[Sealed]:
        market, chain = series
        window = (self._timeframe, since_ms, since_ms + width_ms)
        return await asyncio.to_thread(chain.rows, self._ports.store(), market, *window)

    async def _read(self, series: _Series, from_ms: int) -> Digest:
        digest = Digest()
        for since_ms in range(from_ms, from_ms + SEALED_MS, _AT_ONCE_MS):
            if rows := await self._rows(series, since_ms):
                await asyncio.to_thread(digest.add, rows)
                await asyncio.sleep(PAUSE_S)
        return digest
