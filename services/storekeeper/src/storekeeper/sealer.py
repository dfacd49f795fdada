"""Seals predictions once nothing more can come of their closes, beside everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from marketstream.messages.seal import Seal
from marketstream.ports import Ports
from marketstream.sealing import SEALED_MS, Digest
from storekeeper.aging import PAUSE_S, every_minute

_GRACE_MS = 120_000  # of the market's time: what comes of a close has been stored by then
_AT_ONCE_MS = 20_000  # some hundred predictions: others want the interpreter too


class Sealer:
    """Adds to the chain of each market what was predicted at its closes, ten minutes at a time."""

    def __init__(self, markets: Sequence[str], timeframe: str, ports: Ports) -> None:
        self._markets = markets
        self._timeframe = timeframe
        self._ports = ports
        self._last: dict[str, Seal] = {}
        self._looked_ms: dict[str, int] = {}

    async def run(self) -> None:
        """Seal what is over, once a minute, until cancelled."""
        await every_minute(self.seal, "Predictions are not sealed")

    async def seal(self) -> int:
        """Seal all that is over by now; return how many seals that were.

        StateError where the store cannot be used: what is left is sealed the next time.
        """
        return sum([await self._seal(market) for market in self._markets])

    async def _seal(self, market: str) -> int:
        store, timeframe = await asyncio.to_thread(self._ports.store), self._timeframe
        if market not in self._last:
            seals = await asyncio.to_thread(store.seals, market, timeframe)
            self._last |= {market: seals[-1]} if seals else {}
        last = self._last.get(market)
        span = await asyncio.to_thread(store.prediction_span, market, timeframe)
        if span is None:
            return 0
        first_ms = span[0] - span[0] % SEALED_MS if last is None else last.to_ms
        from_ms = max(first_ms, self._looked_ms.get(market, first_ms))
        made = 0
        while from_ms + SEALED_MS + _GRACE_MS <= span[1]:
            digest = await self._read(market, from_ms)
            if digest.predictions:
                seal = digest.seal(market, timeframe, from_ms, self._last.get(market))
                await asyncio.to_thread(store.write, [seal])
                self._last[market] = seal
                made += 1
            from_ms = self._looked_ms[market] = from_ms + SEALED_MS
        return made

    async def _read(self, market: str, from_ms: int) -> Digest:
        store, digest = self._ports.store(), Digest()

        def take(since_ms: int) -> bool:
            to_ms = since_ms + _AT_ONCE_MS
            predictions = store.predictions(market, self._timeframe, since_ms, to_ms)
            digest.add(predictions)
            return bool(predictions)

        for since_ms in range(from_ms, from_ms + SEALED_MS, _AT_ONCE_MS):
            if await asyncio.to_thread(take, since_ms):
                await asyncio.sleep(PAUSE_S)
        return digest
