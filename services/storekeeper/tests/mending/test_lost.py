"""Gaps that were given up: asked for again, and repaired where the exchange has their trades."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from marketstream.messages import Gap, Message
from storekeeper.lost import LostGaps

from .test_mending import lacking, same_but_for_the_first
from .world import World, candles_of, gap_in, seen_trades, world


def nothing(path: str, query: dict[str, str], rows: Any) -> Any:
    """Answer that there are no trades."""
    del query
    return [] if path.endswith("aggTrades") else rows


async def looked(made: World, lost: LostGaps, after_s: float) -> list[Message]:
    """Return what is published once so much time has passed."""
    made.ports.now_ns += int(after_s * 1e9)
    before = len(made.ports.published)
    async with made.client() as client:
        await lost.look(client)
    return [message for message, _ in made.ports.published[before:]]


def test_what_was_lost_is_repaired_once_the_exchange_has_it_and_its_candles_are_mended(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            true = seen_trades(180)
            seen = lacking(true)
            made.store.write(candles_of(seen))
            lost = LostGaps(made.source, made.ports)
            made.hear(gap_in(seen, "lost"))
            made.lies.append(nothing)
            assert await looked(made, lost, 61.0) == []
            made.lies.clear()
            assert await looked(made, lost, 60.0) == []  # not due: ever more seldom
            (repaired,) = await looked(made, lost, 240.0)
            assert isinstance(repaired, Gap)
            assert (repaired.state, repaired.reason) == ("repaired", None)
            assert await looked(made, lost, 3_600.0) == []
            made.hear(repaired)
            await made.mend()
            assert same_but_for_the_first(made.kept("1s"), candles_of_timeframe(true, "1s"))

    asyncio.run(run())


def test_trades_of_another_numbering_are_not_those_that_were_lost(tmp_path: Path) -> None:
    def an_hour_later(path: str, query: dict[str, str], rows: Any) -> Any:
        del query
        if not path.endswith("aggTrades"):
            return rows
        return [row | {"T": row["T"] + 3_600_000} for row in rows]

    async def run() -> None:
        async with world(tmp_path) as made:
            seen = lacking(seen_trades(180))
            lost = LostGaps(made.source, made.ports)
            made.hear(gap_in(seen, "lost"))
            made.lies.append(an_hour_later)
            assert await looked(made, lost, 7_200.0) == []
            made.lies.clear()
            assert len(await looked(made, lost, 7_200.0)) == 1

    asyncio.run(run())


def test_after_a_restart_lost_gaps_are_asked_for_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            seen = lacking(seen_trades(120))
            made.store.write([*candles_of(seen), gap_in(seen, "lost")])
            made.start()
            made.ports.now_ns = seen[-1].seen_until_us * 1_000
            lost = LostGaps(made.source, made.ports)
            await lost.recall()
            (repaired,) = await looked(made, lost, 61.0)
            assert isinstance(repaired, Gap)

    asyncio.run(run())


def test_a_gap_without_ids_and_one_that_is_open_are_left_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            seen = lacking(seen_trades(120))
            lost = LostGaps(made.source, made.ports)
            made.hear(gap_in(seen, "open"))
            gap = gap_in(seen, "lost")
            made.hear(
                Gap(gap.market, 7, 7, gap.since_us, gap.until_us, "lost", "another numbering")
            )
            assert await looked(made, lost, 10_000.0) == []

    asyncio.run(run())


def candles_of_timeframe(messages: list[Any], timeframe: str) -> list[Any]:
    return [candle for candle in candles_of(messages) if candle.timeframe == timeframe]
