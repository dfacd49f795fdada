"""Mends stored candles that nobody holds any more: from the exchange's trades, or by a mark."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain

from loguru import logger

from exchanges.client import RestClient
from exchanges.sources import Source
from exchanges.venue import Venue
from marketstream.errors import NetworkError, RefusedError, StateError
from marketstream.messages import Candle, Gap, Mending
from marketstream.ports import Ports
from marketstream.store.port import Store
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from marketstream.topics import GAPS
from storekeeper.asking import Answer, Numbering, ask
from storekeeper.parity import SETTLED_MS
from storekeeper.past import Past
from storekeeper.refolding import SLACK_MS, DisagreementError, NothingMoreError
from storekeeper.touched import (
    disagreed,
    groups,
    marks,
    mended,
    opens_before,
    reach_us,
    seams,
    touches,
    unsettled,
    witnesses,
)
from storekeeper.unproven import Unproven
from storekeeper.worklist import Stretch, Task, Worklist

REACH_MS = 86_400_000  # how far back is looked

_TOGETHER_MS = 60_000  # of trades are read for one group of candles
_PIECE_MS = 600_000  # of candles are read of the store for one stretch
_NEWEST_MS = 60_000  # of candles are looked at after a start
_REMEMBERED = 8_192  # candles that have been published or found right
_TRIES = 3  # with trades that do not agree with klines, before a candle is marked
_LOOK_EVERY_S = 0.5


class Mender:
    """Mends the candles of a source's markets: those that gaps touch, and those that are suspect.

    What a closed gap touches is looked at `grace_s` after it was heard of, so that whoever holds
    the candles revises them first. What the exchange cannot prove however often it is asked stays
    as it is, unknown or incomplete, and is asked for again after a restart alone. Every decision is
    made of what the store holds by then: after a restart, `recall` and the walk through the past
    find again what was left.
    """

    def __init__(
        self, source: Source, timeframes: Sequence[str], ports: Ports, *, grace_s: float
    ) -> None:
        self.mended = dict.fromkeys(source.markets, 0)
        self.marked = dict.fromkeys(source.markets, 0)
        self._source = source
        self._timeframes = list(timeframes)
        self._ports = ports
        self._grace_s = grace_s
        self._work = Worklist()
        self._past = {market: Past(timeframes, REACH_MS) for market in source.markets}
        self._seen: OrderedDict[tuple[str, str, int], Candle] = OrderedDict()
        self._right: OrderedDict[Candle, None] = OrderedDict()
        self._unproven = Unproven()
        ports.listen([GAPS], self._hear)
        for market in source.markets:  # 0 is news too
            ports.metrics.candles_mended.labels(market)
            ports.metrics.candles_marked.labels(market)

    def said(self, market: str) -> Mending:
        """Return what waits and what was done, as it is told to others."""
        return Mending(self._work.count(market), self.mended[market], self.marked[market])

    def suspect(self, candle: Candle) -> None:
        """Have a candle that the exchange has otherwise looked at, and the finer ones in it."""
        self._add(Stretch(candle.market, candle.open_time_ms, candle.close_time_ms, suspect=True))

    async def run(self, every_s: float) -> None:
        """Mend what is due, and look through the past every so often, until cancelled."""
        async with self._source.client(patience_s=10.0) as client:
            recalled, walked_s = False, self._now_s()
            while True:
                try:
                    if not recalled:
                        await self.recall()
                        recalled = True
                    if self._now_s() >= walked_s + every_s:
                        walked_s = self._now_s()
                        await self.walk()
                    await self.mend(client)
                except StateError as error:
                    logger.warning("Cannot look for what is to be mended", reason=str(error))
                await asyncio.sleep(_LOOK_EVERY_S)

    async def recall(self) -> None:
        """Note the gaps that have closed while nobody listened; StateError where none can be read.

        Only those of the last day, and the newest where they are too many. The newest candles are
        looked at too: what a kill left unproven, nobody says anything of.
        """
        for market in self.mended:
            for gap in await asyncio.to_thread(self._closed_gaps, market):
                self._hear(gap)
            newest_ms = await asyncio.to_thread(self._ports.store().newest_ms, market)
            if newest_ms is not None:
                self._add(Stretch(market, newest_ms - _NEWEST_MS, newest_ms))

    async def walk(self) -> None:
        """Note candles of a piece of the past that nobody has proven, from the newest backwards."""
        for market, past in self._past.items():
            store = await asyncio.to_thread(self._ports.store)
            found = await asyncio.to_thread(past.look, store, market)
            for from_ms, to_ms in found:
                self._add(Stretch(market, from_ms, to_ms))

    async def mend(self, client: RestClient) -> None:
        """Mend all that is due; what does not succeed is due again later."""
        while (task := self._work.take(self._now_s())) is not None:
            wait_s = 0.0
            try:
                if await self._mend(client, task):
                    continue
            except RefusedError as error:
                wait_s = error.retry_after_s
                logger.warning("Cannot mend", market=task.stretch.market, reason=str(error))
            except (NetworkError, StateError) as error:
                logger.warning("Cannot mend", market=task.stretch.market, reason=str(error))
            self._work.again(task, self._now_s(), wait_s=wait_s)
            if wait_s:
                return

    def _hear(self, gap: Gap, received_ns: int = 0) -> None:
        del received_ns
        if gap.market not in self.mended or gap.state == "open":
            return
        since_us, until_us = reach_us(gap)
        to_ms = until_us // 1_000 + 1
        first_ms = max(since_us // 1_000, to_ms - REACH_MS)
        for end_ms in range(to_ms, first_ms, -_PIECE_MS):
            self._add(Stretch(gap.market, max(first_ms, end_ms - _PIECE_MS), end_ms))

    def _add(self, stretch: Stretch) -> None:
        self._work.add(stretch, self._now_s() + self._grace_s)

    async def _mend(self, client: RestClient, task: Task) -> bool:
        """Mend a stretch; return whether nothing is left to do in it."""
        stretch = task.stretch
        rows, gaps, now_ms = await asyncio.to_thread(self._read, stretch)
        candles = [one for some in rows for one in some]
        inside = [one for one in candles if _within(one, stretch)]
        for candle in marks(inside, gaps):
            self._mark(candle)
        hopeless = {id(c) for c in inside if any(_keeps_open(gap, c) for gap in gaps)}
        if stretch.suspect:
            wanted = inside
        else:
            found = {id(one) for one in chain.from_iterable(map(unsettled, rows))}
            wanted = [one for one in inside if id(one) in found and one not in self._right]
            wanted = [one for one in wanted if one not in self._unproven]
        wanted = [one for one in wanted if id(one) not in hopeless]
        ripe = [one for one in wanted if one.close_time_ms <= now_ms - SETTLED_MS]
        done = len(ripe) == len(wanted)
        breaks = seams(gaps)
        begins_ms = [seam.begins_ms for seam in breaks]
        for group in groups(ripe, _TOGETHER_MS, begins_ms):
            at = bisect_right(begins_ms, group[0].open_time_ms)
            ends = next(iter(breaks[at:]), None)
            opens = {} if ends is None else opens_before(candles, ends)
            numbering = Numbering(begins_ms[at - 1] if at else 0, ends, opens)
            done &= await self._refold(client, group, candles, task, numbering)
        return done

    async def _refold(
        self, client: RestClient, group: list[Candle], known: list[Candle], task: Task,
        numbering: Numbering,
    ) -> bool:  # fmt: skip
        """Fold a group of candles anew; return whether the exchange's answer could be believed."""
        market = task.stretch.market
        asked = {id(one) for one in group} if task.stretch.suspect else set[int]()
        trusted = [one for one in known if id(one) not in asked]
        try:
            answer = await ask(
                client, market, split_market(market)[1],
                [(one.open_time_ms, one.close_time_ms) for one in group],
                witnesses(trusted), _price_beside(group, trusted), numbering,
            )  # fmt: skip
        except NothingMoreError as error:
            self._unproven.note(group, error)
            return self._give_up(group, task)
        except DisagreementError as error:
            logger.warning("Answer not believed", market=market, reason=str(error))
            return self._give_up(group, task)
        doubted = []
        for candle in group:
            if answer.doubts((candle.open_time_ms, candle.close_time_ms)):
                doubted.append(candle)
            else:
                self._settle(candle, answer)
        return not doubted or self._give_up(doubted, task, answer)

    def _settle(self, stored: Candle, answer: Answer) -> None:
        interval = (stored.open_time_ms, stored.close_time_ms)
        revised = mended(stored, answer.refold.candle(stored.market, stored.timeframe, interval))
        if revised is None:
            self._remember_right(stored)
            return
        self._publish(revised)
        self._remember_right(revised)
        self.mended[stored.market] += 1
        self._ports.metrics.candles_mended.labels(stored.market).inc()

    def _give_up(self, candles: list[Candle], task: Task, answer: Answer | None = None) -> bool:
        """Mark suspects for which trades and klines agree in none of some tries; say whether so."""
        if not task.stretch.suspect or task.failures + 1 < _TRIES:
            return False
        counts = {} if answer is None else {k.open_time_ms: k for k in answer.otherwise}
        for candle in candles:
            kline = counts.get(candle.open_time_ms)
            whole = kline is not None and kline.close_time_ms + 1 == candle.close_time_ms
            if candle.complete is not False:
                theirs = kline.trade_count if whole and kline is not None else None
                self._mark(disagreed(candle, theirs))
        return True

    def _mark(self, candle: Candle) -> None:
        self._publish(candle)
        self.marked[candle.market] += 1
        self._ports.metrics.candles_marked.labels(candle.market).inc()

    def _publish(self, candle: Candle) -> None:
        self._seen[candle.identity] = candle
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        self._ports.publish(candle)

    def _remember_right(self, candle: Candle) -> None:
        self._right[candle] = None
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)

    def _read(self, stretch: Stretch) -> tuple[list[list[Candle]], list[Gap], int]:
        """Return the candles around a stretch by timeframe, the gaps around it, and the time.

        What has been published counts, though it may not be stored yet. The time is the close of
        the newest candle, in ms.
        """
        store, market = self._ports.store(), stretch.market
        rows = []
        for timeframe in self._timeframes:
            length_ms = timeframe_ms(timeframe)
            from_ms = stretch.from_ms - stretch.from_ms % length_ms - length_ms
            until_ms = stretch.to_ms + SLACK_MS + length_ms
            stored = store.candles(market, timeframe, from_ms, until_ms)
            rows.append([self._newest(one) for one in stored if one.state == "closed"])
        now_ms = _now_ms(store, market, self._timeframes)
        gaps = store.gaps(
            market, max(0, stretch.from_ms - REACH_MS), max(stretch.to_ms, now_ms + 1)
        )
        return rows, gaps, now_ms

    def _newest(self, stored: Candle) -> Candle:
        seen = self._seen.get(stored.identity)
        return stored if seen is None or seen.revision <= stored.revision else seen

    def _closed_gaps(self, market: str) -> list[Gap]:
        store = self._ports.store()
        now_ms = _now_ms(store, market, self._timeframes)
        gaps = store.gaps(market, max(0, now_ms - REACH_MS), now_ms + 1)
        return [gap for gap in gaps if gap.state != "open"]

    def _now_s(self) -> float:
        return self._ports.clock() / 1e9


def can_mend(venue: Venue) -> bool:
    """Say whether a venue's trades prove anything: ids without holes, and an exact past."""
    has_past = venue.past != "none" and not venue.past_resolution_ms
    return venue.ids == "contiguous" and has_past


def _now_ms(store: Store, market: str, timeframes: Sequence[str]) -> int:
    newest = store.last_candles(market, timeframes[0], 1)
    return newest[0].close_time_ms if newest else 0


def _within(candle: Candle, stretch: Stretch) -> bool:
    """Say whether a stretch is about a candle: it overlaps or, where suspect, lies in it."""
    if stretch.suspect:
        return stretch.from_ms <= candle.open_time_ms and candle.close_time_ms <= stretch.to_ms
    return candle.open_time_ms < stretch.to_ms and stretch.from_ms < candle.close_time_ms


def _keeps_open(gap: Gap, candle: Candle) -> bool:
    """Say whether a gap leaves nothing to be asked for a candle, for now or for good."""
    return gap.state != "repaired" and touches(gap, candle)


def _price_beside(group: Sequence[Candle], known: Iterable[Candle]) -> float:
    """Return a price the market had near some candles, of one called complete where there is."""
    middle_ms = group[0].open_time_ms
    complete = [one for one in known if one.complete and one.close > 0] or list(group)
    return min(complete, key=lambda one: abs(one.open_time_ms - middle_ms)).close
