"""The shadow checker: published features beside those computed anew from stored candles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import cycle
from random import Random

import numpy as np
from loguru import logger

from marketstream.errors import StateError
from marketstream.messages import Candle, Features, Recomputed, Status
from marketstream.plan import Plan
from marketstream.ports import Ports
from marketstream.store.port import Store
from marketstream.timeframes import timeframe_ms
from marketstream.topics import CANDLES
from technical_indicators.batch import feature_table
from technical_indicators.beginnings import Beginnings
from technical_indicators.feature_set import FeatureSet
from technical_indicators.heard_candles import HeardCandles
from technical_indicators.looking_back import MOST, WINDOW, LookingBack, reaches_of
from technical_indicators.recomputing import Comparison, compare, undisturbed

REACH = 3_600  # closes, among the newest, from which windows are drawn
_SETTLED_MS = 5_000  # until candles and vectors are stored, and revisions final


class ShadowChecker:
    """Draws windows of what was published, makes them anew by the columnar form, and compares.

    What differs by more than 1e-9 (of the price, where TA-Lib goes on from sums) is an error of
    ours, unless candles that it rests on have changed since, or are not stored: then nobody can
    tell, and it is counted as undecided. Each feature is judged as far as it looks back itself, so
    that one of long candles, which takes days, keeps none of the others from it. Of a leader that
    came too late a vector knows nothing, whatever is stored of it.

    Of several processes that share markets each checks those whose candles it hears.
    """

    def __init__(
        self,
        plan: Plan,
        feature_set: FeatureSet,
        ports: Ports,
        beginnings: Beginnings,
        *,
        seed: int = 0,
    ) -> None:
        self._plan = plan
        self._set = feature_set
        self._ports = ports
        self._beginnings = beginnings
        self._back = LookingBack.of(feature_set)
        self._reaches = reaches_of(feature_set)
        self._length_ms = timeframe_ms(feature_set.timeframe)
        others = (each.timeframe for each in feature_set.beside)
        self._heard = HeardCandles({feature_set.timeframe, feature_set.base, *others}, MOST)
        self._random = Random(seed)  # noqa: S311 - which window is looked at
        self.found = {market: Recomputed(0, 0, 0, 0) for market in plan.markets}
        ports.listen([CANDLES], self._heard.hear)
        for market in plan.markets:  # 0 is news too
            ports.metrics.shadow_windows.labels(market)
            for result in ("equal", "differing", "undecided"):
                ports.metrics.shadow_vectors.labels(market, result)

    async def run(self, every_s: float) -> None:
        """Look at a window every so often, of one market after the other, until cancelled.

        So however many markets there are, it costs the same.
        """
        for market in cycle(self._plan.markets):
            await asyncio.sleep(every_s)
            await self.check(market)

    async def check(self, market: str) -> None:
        """Look at one window of a market of ours, where the store is there, and say what was found.

        A market is ours while its candles are heard here, as new as they are stored.
        """
        if self._heard.newest_ms(market, self._set.base) is None:
            return
        try:
            store = await asyncio.to_thread(self._ports.store)
            if not await asyncio.to_thread(self._is_ours, store, market):
                return
            comparison = await asyncio.to_thread(self._look, store, market)
        except StateError as error:
            logger.warning("Features are not checked", market=market, reason=str(error))
            return
        if comparison is not None:
            self._count(market, comparison)
        self._ports.publish(Status(market, "technical_indicators", self.found[market]))

    def _is_ours(self, store: Store, market: str) -> bool:
        heard_ms = self._heard.newest_ms(market, self._set.base)
        stored = store.last_candles(market, self._set.base, 1)
        behind_ms = stored[0].open_time_ms - heard_ms if stored and heard_ms is not None else 0
        return behind_ms <= _SETTLED_MS

    def _look(self, store: Store, market: str) -> Comparison | None:
        """Compare a window; None where nothing was published of late."""
        timeframe, length_ms = self._set.timeframe, self._length_ms
        newest = store.last_candles(market, timeframe, 1)
        if not newest:
            return None
        last_ms = newest[0].close_time_ms - max(length_ms, _SETTLED_MS)
        for back in (self._random.randrange(REACH - WINDOW), 0):
            until_ms = last_ms - back * length_ms
            published = self._published(store, market, until_ms)
            if published:
                return self._compare(store, market, published)
        return None

    def _published(self, store: Store, market: str, until_ms: int) -> list[Features]:
        from_ms = until_ms - self._back.window * self._length_ms
        vectors = store.features(market, self._set.timeframe, from_ms, until_ms)
        return [each for each in vectors if each.feature_set == self._set.version]

    def _compare(self, store: Store, market: str, published: Sequence[Features]) -> Comparison:
        feature_set = self._set
        first_ms, until_ms = published[0].close_time_ms, published[-1].close_time_ms
        from_ms = first_ms - self._back.closes_ms - self._length_ms
        disturbed: dict[str | None, list[int]] = {None: []}  # by the other timeframe, if it is one

        def stored(of: str, timeframe: str, from_ms: int, alone: str | None = None) -> list[Candle]:
            candles = store.candles(of, timeframe, from_ms, until_ms)
            closed = [candle for candle in candles if candle.state == "closed"]
            found = disturbed.setdefault(alone, [])
            found.extend(_missing(closed, timeframe_ms(timeframe), from_ms, until_ms))
            found.extend(candle.close_time_ms for candle in self._heard.changed(closed))
            return closed

        base = candles = stored(market, feature_set.timeframe, from_ms)
        base_from_ms = first_ms - self._back.base_ms
        if feature_set.base != feature_set.timeframe:
            base = stored(market, feature_set.base, base_from_ms)
        others = [other for other in self._plan.group(market) if other != market]
        others = others[: feature_set.leaders]
        leaders = [stored(other, feature_set.base, base_from_ms) for other in others]
        beside = [
            stored(
                market,
                each.timeframe,
                (first_ms - each.reach_ms) // each.length_ms * each.length_ms,
                each.timeframe,
            )
            for each in feature_set.beside
            if each.timeframe in feature_set.others
        ]
        if not candles or not base:
            return Comparison(0, len(published), (), None)
        began = [began_ms for of in (market, *others) for began_ms in self._beginnings.of(of)]
        table = feature_table(candles, base, feature_set, leaders, beside)
        sure_of = {
            reach: undisturbed(
                table.close_time_ms, [*disturbed[reach.timeframe], *began], reach.reach_ms
            )
            for reach in set(self._reaches)
        }
        sure = np.stack([sure_of[reach] for reach in self._reaches], axis=1)
        return compare(table, published, sure, feature_set.leader_names, feature_set.of_prices)

    def _count(self, market: str, comparison: Comparison) -> None:
        found, metrics = self.found[market], self._ports.metrics
        differing = comparison.differing
        largest = max(found.largest or 0.0, comparison.largest or 0.0)
        self.found[market] = Recomputed(
            windows=found.windows + 1,
            equal=found.equal + comparison.equal,
            differing=found.differing + len(differing),
            undecided=found.undecided + comparison.undecided,
            largest=found.largest if comparison.largest is None else largest,
            newest=found.newest if not differing else differing[-1]._asdict(),
        )
        metrics.shadow_windows.labels(market).inc()
        vectors = metrics.shadow_vectors
        vectors.labels(market, "equal").inc(comparison.equal)
        vectors.labels(market, "differing").inc(len(differing))
        vectors.labels(market, "undecided").inc(comparison.undecided)
        if comparison.largest is not None:
            metrics.shadow_deviation.labels(market).set(largest)
        if differing:
            logger.warning(
                "Features differ from those computed anew",
                market=market, vectors=len(differing), **differing[-1]._asdict(),
            )  # fmt: skip


def _missing(
    series: Sequence[Candle], length_ms: int, from_ms: int, until_ms: int
) -> Iterable[int]:
    """Yield the closes of candles that are not there, and of those that come after one."""
    at_ms = from_ms
    for candle in series:
        if candle.open_time_ms > at_ms:
            yield from range(at_ms + length_ms, candle.close_time_ms + 1, length_ms)
        at_ms = candle.close_time_ms
    yield from range(at_ms + length_ms, until_ms + 1, length_ms)
