"""Stored candles that nobody holds any more: mended from a real exchange's REST, or marked."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from exchanges.client import fetch_klines
from marketstream.messages import Candle, Gap, Trade, Trades
from storekeeper.auditor import Auditor
from storekeeper.parity import differences

from .world import (
    MARKET,
    TIMEFRAMES,
    World,
    another_symbols_answers,
    candles_of,
    gap_in,
    seen_trades,
    without,
    world,
)

_AGO_S = 11 * 60


def lacking(messages: list[Trades], *, from_s: float = 30.0, for_s: float = 3.0) -> list[Trades]:
    """Return messages without the trades of some seconds, counted from their first."""
    start_us = messages[0].seen_until_us + int(from_s * 1e6)

    def is_lost(trade: Trade) -> bool:
        return start_us <= trade.time_us < start_us + for_s * 1e6

    return without(messages, is_lost)


def facts(candle: Candle) -> Candle:
    """Return a candle without what only tells how it came about."""
    return replace(candle, revision=0, filled=False, late_count=0)


def same_but_for_the_first(kept: list[Candle], true: list[Candle]) -> bool:
    """Say whether candles are those that all trades make; of the first nobody knew the begin."""
    return [facts(one) for one in kept[1:]] == [facts(one) for one in true[1:]]


async def against_klines(made: World, timeframe: str, candles: list[Candle]) -> list[Any]:
    async with made.client() as client:
        klines = await fetch_klines(client, "BTC/USDT", timeframe, from_ms=candles[0].open_time_ms)
    theirs = {kline.open_time_ms: kline for kline in klines}
    return [found for one in candles for found in differences(one, theirs[one.open_time_ms])]


@pytest.mark.parametrize("restarted", [False, True], ids=["heard", "recalled after a restart"])
def test_candles_of_a_gap_repaired_after_ten_minutes_become_the_exchange_s(
    tmp_path: Path, *, restarted: bool
) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(_AGO_S)
            seen = lacking(whole)
            made.store.write(candles_of(seen))
            incomplete = sum(not one.complete for one in made.kept("1s"))
            assert incomplete
            if restarted:
                made.store.write([gap_in(seen, "repaired")])
                made.start()
                await made.mender.recall()
            else:
                made.hear(gap_in(seen, "repaired"))
            published = await made.mend()
            true = candles_of(whole)
            for timeframe in TIMEFRAMES:
                expected = [one for one in true if one.timeframe == timeframe]
                assert same_but_for_the_first(made.kept(timeframe), expected)
            assert {one.revision for one in published if isinstance(one, Candle)} == {1}
            was = {one.identity: one.trade_count for one in candles_of(seen)}
            for one in published:
                assert isinstance(one, Candle)
                assert one.filled == (one.trade_count != was[one.identity])
            assert made.mender.said(MARKET).mended == len(published) > incomplete
            assert await against_klines(made, "1s", made.kept("1s")[1:]) == []
            assert await made.mend() == []

    asyncio.run(run())


def test_a_gap_is_left_to_the_operator_at_first(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(120)
            seen = lacking(whole)
            made.store.write(candles_of(seen))
            made.hear(gap_in(seen, "repaired"))
            assert await made.mend(after_s=4.0) == []
            true = [replace(one, revision=1, filled=True) for one in candles_of(whole)]
            made.store.write(true[1:])  # as the operator revises them
            first = {one.open_time_ms for one in made.kept("1m")[:1]}
            published = await made.mend(after_s=2.0)
            assert {one.open_time_ms for one in published if isinstance(one, Candle)} <= first

    asyncio.run(run())


def test_what_is_lost_is_marked_with_how_many_there_must_have_been(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(180)
            made.store.write(candles_of(whole))
            gap = gap_in(lacking(whole, from_s=70), "lost")
            made.hear(gap)
            published = [one for one in await made.mend() if isinstance(one, Candle)]
            missing = gap.end_id - gap.first_id
            assert {one.timeframe for one in published} == set(TIMEFRAMES)
            for one in published:
                assert (one.complete, one.revision) == (False, 1)
                assert one.expected_count == one.trade_count + missing
                assert one.open_time_ms * 1_000 <= (gap.until_us or 0)
                assert one.close_time_ms * 1_000 > gap.since_us
            assert made.mender.said(MARKET).marked == len(published)
            await made.mender.walk()
            begun = whole[0].seen_until_us // 1_000 + 60_000
            later = [one for one in await made.mend() if isinstance(one, Candle)]
            assert all(one.open_time_ms < begun for one in later)
            assert not {one.identity for one in later} & {one.identity for one in published}

    asyncio.run(run())


def test_at_a_seam_between_two_numberings_nobody_can_tell(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(180)
            made.store.write(candles_of(whole))
            seam = next(message for message in whole[300:] if message.trades).trades[0]
            made.hear(Gap(MARKET, 7, 7, seam.time_us, seam.time_us + 10, "lost", None, 1))
            published = [one for one in await made.mend() if isinstance(one, Candle)]
            assert sorted(one.timeframe for one in published) == sorted(TIMEFRAMES)
            assert {(one.complete, one.expected_count) for one in published} == {(None, None)}

    asyncio.run(run())


def test_after_a_seam_candles_are_mended_though_nobody_has_the_old_numbering(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(180)
            trades = [trade for message in whole[300:] for trade in message.trades]
            seam = next(one for one in trades if 300_000 <= one.time_us % 1_000_000 < 480_000)
            seam_ms = -(-seam.time_us // 1_000)

            def only_new(path: str, query: dict[str, str], rows: Any) -> Any:
                del query
                return [row for row in rows if row["T"] >= seam_ms] if "Trades" in path else rows

            made.lies.append(only_new)
            candles = candles_of(whole)
            after_ms = -(-seam_ms // 250) * 250
            true = next(one for one in candles if one.open_time_ms == after_ms)
            assert true.timeframe == "250ms"
            unknown = replace(true, complete=None, expected_count=None)
            made.store.write([unknown if one is true else one for one in candles])
            made.store.write([Gap(MARKET, 7, 7, seam.time_us, seam.time_us, "lost", None, 1)])
            made.hear(Gap(MARKET, 8, 9, after_ms * 1_000, after_ms * 1_000, "repaired", None, 2))
            await made.mend()
            kept = next(one for one in made.kept("250ms") if one.open_time_ms == after_ms)
            assert kept == replace(true, complete=True, expected_count=true.trade_count, revision=1)

    asyncio.run(run())


@pytest.mark.parametrize("step_us", [1, 250_000], ids=["as it came", "after a restart"])
def test_before_a_seam_candles_are_mended_though_ids_of_the_old_numbering_find_nothing(
    tmp_path: Path, step_us: int
) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(180)
            seen = lacking(whole, from_s=100, for_s=2.9)
            gap = gap_in(seen, "repaired")
            trades = [trade for message in whole for trade in message.trades]
            old, new = next(
                (one, other)
                for one, other in pairwise(trades)
                if one.id >= gap.end_id + 20 and one.time_us // 250_000 < other.time_us // 250_000
            )
            assert gap.until_us is not None
            assert old.time_us - gap.until_us < 1_000_000

            def begun_again(path: str, query: dict[str, str], rows: Any) -> Any:
                if "Trades" not in path:
                    return rows
                if int(query.get("fromId", 0)) > 1:
                    return []  # so many are not numbered yet
                less = new.id - 1
                return [
                    row if row["a"] <= less else row | {key: row[key] - less for key in "afl"}
                    for row in rows
                ]

            made.lies.append(begun_again)
            since_us = old.time_us // step_us * step_us  # when the newest stored candle opened
            seam = Gap(MARKET, new.id, new.id, since_us, new.time_us, "lost", "again", 0)
            made.store.write([*candles_of(seen), gap, seam])
            made.hear(gap)
            await made.mend()
            until_ms = old.time_us // 250_000 * 250
            before = [one for one in candles_of(whole) if one.close_time_ms <= until_ms]
            for timeframe in TIMEFRAMES:
                expected = [one for one in before if one.timeframe == timeframe]
                kept = made.kept(timeframe)[: len(expected)]
                assert same_but_for_the_first(kept, expected)

    asyncio.run(run())


def test_a_wrong_value_that_is_stored_is_found_and_mended(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            true = candles_of(seen_trades(120))
            seconds = [one for one in true if one.timeframe == "1s" and one.trade_count > 1]
            wrong, doubled = seconds[60], seconds[70]
            made.store.write(
                [
                    replace(wrong, high=1e17)
                    if one is wrong
                    else replace(one, trade_count=one.trade_count + 3)
                    if one is doubled
                    else one
                    for one in true
                ]
            )
            auditor = Auditor(made.source, TIMEFRAMES, made.ports, made.mender.suspect)
            async with made.client() as client:
                await auditor.audit(client)
            published = [one for one in await made.mend() if isinstance(one, Candle)]
            assert [facts(one) for one in published] == [facts(doubled), facts(wrong)]
            assert {one.revision for one in published} == {1}
            said = auditor.parities[MARKET].said()
            assert said.timeframes["1s"].equal == said.timeframes["1s"].compared - 2

    asyncio.run(run())


def test_candles_finer_than_any_kline_are_compared_with_what_trades_make(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            true = candles_of(seen_trades(_AGO_S))
            made.store.write(
                [
                    replace(one, volume=one.volume + 1)
                    if one.timeframe == "250ms" and one.trade_count
                    else one
                    for one in true
                ]
            )
            auditor = Auditor(made.source, ["250ms"], made.ports, made.mender.suspect)
            async with made.client() as client:
                for _ in range(400):
                    await auditor.audit(client)
                    if "250ms" in (said := auditor.parities[MARKET].said().timeframes):
                        break
            compared = said["250ms"]
            assert compared.compared > 100
            published = [one for one in await made.mend() if isinstance(one, Candle)]
            assert len(published) == compared.compared - compared.equal > 50
            expected = {one.identity: facts(one) for one in true}
            assert all(facts(one) == expected[one.identity] for one in published)

    asyncio.run(run())


def test_a_candle_of_which_trades_and_klines_disagree_is_marked_in_the_end(tmp_path: Path) -> None:
    def more_trades(path: str, query: dict[str, str], rows: Any) -> Any:
        del query
        if not path.endswith("/klines"):
            return rows
        return [[*row[:8], row[8] + 5, *row[9:]] for row in rows]

    async def run() -> None:
        async with world(tmp_path) as made:
            true = candles_of(seen_trades(120))
            made.store.write(true)
            one = [candle for candle in true if candle.timeframe == "1s"][60]
            made.lies.append(more_trades)
            made.mender.suspect(one)
            assert await made.mend() == []
            assert await made.mend(after_s=10) == []
            published = await made.mend(after_s=20)
            marked = replace(one, complete=False, expected_count=one.trade_count + 5, revision=1)
            assert marked in published
            assert all(isinstance(mark, Candle) and mark.complete is False for mark in published)

    asyncio.run(run())


def a_hole(path: str, query: dict[str, str], rows: Any) -> Any:
    """Leave out a trade of each page."""
    del query
    return rows[:40] + rows[41:] if path.endswith("/aggTrades") else rows


def half_a_page(path: str, query: dict[str, str], rows: Any) -> Any:
    """Answer with the first rows only, as if there were no more."""
    return rows[:100] if path.endswith("/aggTrades") and query["limit"] != "1" else rows


def nothing(path: str, query: dict[str, str], rows: Any) -> Any:
    """Answer without a row."""
    del path, query, rows
    return []


def other_prices(path: str, query: dict[str, str], rows: Any) -> Any:
    """Answer with true ids and times, and prices a percent off, in trades alone."""
    del query
    if not path.endswith("/aggTrades"):
        return rows
    return [row | {"p": f"{float(row['p']) * 1.01:.2f}"} for row in rows]


@pytest.mark.parametrize(
    "lie", [another_symbols_answers, a_hole, half_a_page, nothing, other_prices]
)
def test_an_answer_that_makes_no_sense_is_not_believed_and_asked_for_again(
    tmp_path: Path, lie: Any
) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(120)
            seen = lacking(whole)
            made.store.write(candles_of(seen))
            made.lies.append(lie)
            made.hear(gap_in(seen, "repaired"))
            assert await made.mend() == []
            assert await made.mend(after_s=60) == []
            assert made.mender.said(MARKET).queued == 1
            made.lies.clear()
            await made.mend(after_s=600)
            expected = [one for one in candles_of(whole) if one.timeframe == "250ms"]
            assert same_but_for_the_first(made.kept("250ms"), expected)
            assert made.mender.said(MARKET).queued == 0

    asyncio.run(run())


async def asked_often(made: World, times: int) -> int:
    """Mend so often, ten minutes apart; return how many stretches wait then."""
    for _ in range(times):
        await made.mend(after_s=600)
    return made.mender.said(MARKET).queued


def test_what_the_exchange_no_longer_has_is_asked_for_for_an_hour_and_stays_unknown(
    tmp_path: Path,
) -> None:
    """All but what came after its first trade, which is proven."""

    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(120)
            trades = [trade for message in whole for trade in message.trades]
            begins = trades[1_000]

            def only_late(path: str, query: dict[str, str], rows: Any) -> Any:
                del query
                return [row for row in rows if row["a"] >= begins.id] if "Trades" in path else rows

            def from_its_first(query: dict[str, str]) -> dict[str, str]:
                since_ms = int(query.get("startTime", 2**50))
                first_ms = begins.time_us // 1_000
                return query | {"startTime": str(first_ms)} if since_ms < first_ms else query

            only_late.asks = from_its_first  # type: ignore[attr-defined]
            made.lies.append(only_late)
            true = candles_of(whole)
            unknown = [replace(one, complete=None, expected_count=None) for one in true]
            until_ms = trades[1_500].time_us // 1_000
            made.store.write(
                [
                    one if one.open_time_ms > until_ms else new
                    for one, new in zip(true, unknown, strict=True)
                ]
            )
            begins_ms = begins.time_us // 1_000
            from_ms, to_ms = begins_ms - 2_000, begins_ms + 4_000
            made.hear(Gap(MARKET, 8, 9, from_ms * 1_000, to_ms * 1_000, "repaired"))
            assert await asked_often(made, 5) > 0
            assert await asked_often(made, 25) == 0
            known_ms = begins_ms // 1_000 * 1_000 + 1_000  # its kline holds more than is known

            def told(since_ms: int, until_ms: int) -> set[bool | None]:
                kept = made.kept("250ms")
                return {one.complete for one in kept if since_ms <= one.open_time_ms < until_ms}

            assert told(from_ms, known_ms) == {None}
            assert told(known_ms, to_ms) == {True}

            made.lies.clear()  # what it has again is found after a restart
            made.start()
            await made.mender.recall()
            assert await asked_often(made, 3) == 0
            assert told(from_ms, to_ms) == {True}

    asyncio.run(run())


def test_candles_between_the_end_of_a_numbering_and_the_next_one_are_not_asked_for_for_ever(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(120)
            trades = [trade for message in whole for trade in message.trades]
            old, new = trades[1_000], trades[1_150]  # of what is between nobody knows

            def begun_again(path: str, query: dict[str, str], rows: Any) -> Any:
                if "Trades" not in path:
                    return rows
                if int(query.get("fromId", 0)) > 1:
                    return []  # so many are not numbered yet
                less = new.id - 1
                kept = [row for row in rows if not old.id < row["a"] < new.id]
                return [
                    row if row["a"] <= old.id else row | {key: row[key] - less for key in "afl"}
                    for row in kept
                ]

            made.lies.append(begun_again)
            unknown = [
                replace(one, complete=None, expected_count=None) for one in candles_of(whole)
            ]
            made.store.write(unknown)
            seam = Gap(MARKET, old.id + 1, old.id + 1, old.time_us, new.time_us, "repaired")
            made.hear(seam)
            assert await asked_often(made, 5) > 0
            assert await asked_often(made, 25) == 0
            between = [
                one for one in made.kept("250ms")
                if old.time_us < 1_000 * one.open_time_ms < 1_000 * one.close_time_ms < new.time_us
            ]  # fmt: skip
            assert between
            assert {one.complete for one in between} == {None}

    asyncio.run(run())


def test_candles_that_nobody_could_tell_of_are_proven_where_they_stand_in_the_past(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with world(tmp_path, trades_per_second=1.0) as made:
            true = candles_of(seen_trades(_AGO_S + 120, 1.0))
            unproven = [
                replace(one, complete=None, expected_count=None) if not one.trade_count else one
                for one in true
            ]
            made.store.write(unproven)
            await made.mender.walk()
            published = [one for one in await made.mend() if isinstance(one, Candle)]
            now_ms = true[-1].close_time_ms
            assert published
            assert all(one.complete and not one.filled for one in published)
            old = [one for one in made.kept("1s")[1:] if one.close_time_ms < now_ms - 600_000]
            assert old
            assert all(one.complete for one in old)
            young = [one for one in made.kept("1s") if one.close_time_ms > now_ms - 500_000]
            assert any(one.complete is None for one in young)

    asyncio.run(run())


def test_what_a_kill_left_unproven_is_asked_for_after_the_start(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as made:
            whole = seen_trades(180)
            seconds = (whole[-1].seen_until_us - whole[0].seen_until_us) / 1e6
            candles = candles_of(lacking(whole, from_s=seconds - 30.0))
            left = [one for one in candles if one.timeframe != "1m" and one.complete is False]
            unproven = {
                one.identity: replace(one, complete=None, expected_count=None) for one in left
            }
            made.store.write([unproven.get(one.identity, one) for one in candles])
            made.start()
            await made.mender.recall()
            published = [one for one in await made.mend() if isinstance(one, Candle)]
            assert {one.identity for one in left} <= {one.identity for one in published}
            true = {one.identity: facts(one) for one in candles_of(whole)}
            assert all(facts(one) == true[one.identity] for one in published)

    asyncio.run(run())
