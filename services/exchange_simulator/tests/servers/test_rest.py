"""What a venue's own client is answered by REST is what the simulated market did."""

from __future__ import annotations

import asyncio
from itertools import groupby

import pytest

from exchange_simulator.faults.spec import parse_spec
from exchange_simulator.market.tape import TradeColumns
from exchange_simulator.serving.port import Allowance
from exchanges.client import (
    fetch_checked,
    fetch_klines,
    fetch_market_infos,
    fetch_newest_trade,
    fetch_server_time,
)
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade

from .world import LOT, asking, exchange_of, tape_of

_MINUTE_MS = 60_000


def columns_of(venue: str, from_us: int, to_us: int) -> list[Trade]:
    tape = tape_of(venue)
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    return [
        Trade(id_, price / ticks, quantity / lots, "sell" if sells else "buy", time_us)
        for id_, time_us, price, quantity, sells, _ in zip(
            *(column.tolist() for column in tape.trades(from_us, to_us)), strict=True
        )
    ]


def without_id(trade: Trade) -> tuple[int, float, float, str]:
    return ms(trade), trade.price, round(trade.quantity, LOT), trade.taker


def ms(trade: Trade) -> int:
    return trade.time_us // 1_000  # what is finer may be an order, where ids are none


def test_tick_lot_and_clock_are_the_markets(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (exchange, source), source.client() as client:
            infos = await fetch_market_infos(client, source.symbols)
            now_ms = await fetch_server_time(client)
            assert abs(now_ms - exchange.market_time_us // 1_000) < 5_000
        tape, info = tape_of(venue), infos[source.symbols[0]]
        assert info.price_decimals == tape.price_decimals
        assert info.quantity_decimals == tape.quantity_decimals

    asyncio.run(play())


def test_a_symbol_that_is_not_traded_is_named(venue: str) -> None:
    async def play() -> None:
        symbol = "QQQ/ZZZ:ZZZ" if ":" in tape_of(venue).symbol else "QQQ/ZZZ"
        async with exchange_of(venue) as (_, source), source.client() as client:
            with pytest.raises(SettingsError, match=symbol):
                await fetch_market_infos(client, [symbol])

    asyncio.run(play())


def test_a_page_of_past_trades_is_of_the_ledger(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (exchange, source), asking(source) as client:
            symbol, now_ms = source.symbols[0], exchange.market_time_us // 1_000
            page = await fetch_checked(client, symbol, page_id=None, from_ms=now_ms - 1_000)
            newest = await fetch_newest_trade(client, symbol)
        assert page.refused == ()
        trades = [row.trade for row in page.trades]
        assert len(trades) >= 10
        true = columns_of(venue, trades[0].time_us, trades[-1].time_us + 1)
        if source.venue.ids == "opaque":
            first, last = ms(trades[0]), ms(trades[-1])
            inside = [one for one in trades if first < ms(one) < last]
            meant = [one for one in true if first < ms(one) < last]
            assert sorted(map(without_id, inside)) == sorted(map(without_id, meant))
        else:
            by_id = {one.id: one for one in true}
            assert [without_id(by_id[one.id]) for one in trades] == list(map(without_id, trades))
            ids = [one.id for one in trades]
            assert ids == list(range(ids[0], ids[-1] + 1))
        assert newest is not None
        assert newest.trade.time_us >= (now_ms - 2_000) * 1_000

    asyncio.run(play())


def test_pages_by_id_follow_on_each_other(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (_, source), asking(source) as client:
            if source.venue.past != "by_id":
                return
            newest = await fetch_newest_trade(client, source.symbols[0])
            assert newest is not None
            most = source.venue.page_trades
            first_id = newest.page_id - 2 * most
            page = await fetch_checked(client, source.symbols[0], page_id=first_id, from_ms=0)
            next_id = page.next_page_id(most)
            assert next_id == first_id + most
            after = await fetch_checked(client, source.symbols[0], page_id=next_id, from_ms=0)
        ids = [row.trade.id for row in (*page.trades, *after.trades)]
        assert ids == list(range(first_id, first_id + 2 * most))

    asyncio.run(play())


def folded(venue: str, trades: TradeColumns) -> dict[int, dict[str, float]]:
    """Return by the second half of a definition what klines of a minute are: one by one."""
    tape = tape_of(venue)
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    rows = zip(*(column.tolist() for column in trades), strict=True)
    klines = {}
    for open_ms, some in groupby(rows, key=lambda row: row[1] // 60_000_000 * _MINUTE_MS):
        of = list(some)
        prices = [row[2] for row in of]
        bought = [row for row in of if not row[4]]
        klines[open_ms] = {
            "open_time_ms": open_ms,
            "open": prices[0] / ticks,
            "high": max(prices) / ticks,
            "low": min(prices) / ticks,
            "close": prices[-1] / ticks,
            "volume": sum(row[3] for row in of) / lots,
            "close_time_ms": open_ms + _MINUTE_MS - 1,
            "quote_volume": sum(row[2] * row[3] for row in of) / ticks / lots,
            "trade_count": len(of),
            "taker_buy_volume": sum(row[3] for row in bought) / lots,
            "taker_buy_quote_volume": sum(row[2] * row[3] for row in bought) / ticks / lots,
        }
    return klines


def test_klines_are_those_of_the_trades(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (exchange, source), asking(source) as client:
            now_ms = exchange.market_time_us // 1_000
            from_ms = (now_ms // _MINUTE_MS - 5) * _MINUTE_MS
            klines = await fetch_klines(client, source.symbols[0], "1m", from_ms=from_ms)
        closed = [one for one in klines if one.open_time_ms + _MINUTE_MS <= now_ms]
        assert [one.open_time_ms for one in closed] == [
            from_ms + number * _MINUTE_MS for number in range(5)
        ]
        trades = tape_of(venue).trades(from_ms * 1_000, (from_ms + 5 * _MINUTE_MS) * 1_000)
        true = folded(venue, trades)
        names = source.venue.kline_fields & set(Kline.__struct_fields__)
        assert {"open", "high", "low", "close", "volume"} <= names
        for kline in closed:
            said = {name: float(getattr(kline, name)) for name in names}
            meant = {name: true[kline.open_time_ms][name] for name in names}
            assert said == pytest.approx(meant, rel=1e-9)

    asyncio.run(play())


def test_who_asks_for_too_much_is_told_to_wait(venue: str) -> None:
    async def play() -> None:
        few = Allowance(40, 3_600)
        async with (
            exchange_of(venue, allowance=few) as (_, source),
            source.client(patience_s=0.5) as client,
        ):
            for _ in range(40):
                await fetch_server_time(client)
            with pytest.raises(NetworkError, match="takes no requests"):
                await fetch_server_time(client)

    asyncio.run(play())


@pytest.mark.parametrize("kind", ["rest_empty", "rest_holes", "rest_duplicates", "rest_shuffled"])
def test_pages_made_wrong_still_hold_true_rows(venue: str, kind: str) -> None:
    async def play() -> None:
        spec = parse_spec(f"{kind}=100%")
        async with exchange_of(venue, faults=spec) as (exchange, source), asking(source) as client:
            from_ms = exchange.market_time_us // 1_000 - 1_000
            if source.venue.counts_back:  # where a time is looked for in pages that lie
                id_ = exchange_id(venue, exchange.market_time_us) - 50
                page = await fetch_checked(client, source.symbols[0], page_id=id_, from_ms=0)
            else:
                page = await fetch_checked(client, source.symbols[0], page_id=None, from_ms=from_ms)
        said = {without_id(row.trade) for row in page.trades}
        assert said <= set(map(without_id, recent(venue, from_ms)))
        assert bool(said) == (kind != "rest_empty")

    asyncio.run(play())


def exchange_id(venue: str, now_us: int) -> int:
    return int(tape_of(venue).trades(now_us - 10_000_000, now_us).id[-1])


def recent(venue: str, from_ms: int) -> list[Trade]:
    from_us = from_ms * 1_000
    return columns_of(venue, from_us - 120_000_000, from_us + 120_000_000)
