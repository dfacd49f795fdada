from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from loguru import logger

from exchanges.catalogue import venue_named
from marketstream.errors import NetworkError, SettingsError
from marketstream.messages import DeadLetter, Gap, Stall, Trades
from trades.backoff import Backoff
from trades.feed import Feed
from trades.session.market import MarketSession
from trades.session.rules import Rules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

type Course = Callable[[web.WebSocketResponse], Awaitable[None]]
type Heard = Callable[[Trades | Gap | Stall, int], None]

MARKET = "binance:BTC/USDT"
DEADLINE_S = 10


def trade(number: int) -> str:
    now_ms = time.time_ns() // 1_000_000
    fields = {"e": "trade", "s": "BTCUSDT", "t": number, "p": "100", "q": "1", "T": now_ms}
    return json.dumps(fields | {"m": False}, separators=(",", ":"))


@dataclass
class Published:
    """What a feed said, to be waited for."""

    messages: asyncio.Queue[Trades] = field(default_factory=asyncio.Queue)
    connections: list[str] = field(default_factory=list)
    dead_letters: asyncio.Queue[DeadLetter] = field(default_factory=asyncio.Queue)

    def heard(self, message: Trades | Gap | Stall, received_us: int) -> None:
        del received_us
        if isinstance(message, Trades):
            self.messages.put_nowait(message)

    async def trades(self, count: int) -> list[int]:
        """The ids of the next trades."""
        ids: list[int] = []
        while len(ids) < count:
            ids += [each.id for each in (await self.messages.get()).trades]
        return ids


@contextlib.asynccontextmanager
async def exchange(*sessions: Course) -> AsyncIterator[str]:
    """A WebSocket server that treats its first client as the first session says, and so on."""
    waiting = list(sessions)

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await waiting.pop(0)(socket)
        await socket.close()
        return socket

    async with serving(handler) as url:
        yield url


@contextlib.asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        host, port = runner.addresses[0]
        yield f"ws://{host}:{port}/ws"
    finally:
        await runner.cleanup()


class Session(MarketSession):
    """A session that notes what it is told of its connections."""

    def __init__(self, published: Published, publish: Heard, rules: Rules | None = None) -> None:
        super().__init__(MARKET, publish, rules)
        self._published = published

    def connected(self, received_us: int) -> None:
        super().connected(received_us)
        self._published.connections.append("connected")

    def lost(self, received_us: int) -> None:
        super().lost(received_us)
        self._published.connections.append("lost")


def feed_of(url: str, published: Published, heard: Heard | None = None, **options: Any) -> Feed:
    defaults: dict[str, Any] = {
        "publish_dead_letter": published.dead_letters.put_nowait,
        "backoff": Backoff(first_s=0.01, longest_s=0.02),
    }
    sessions = {MARKET: Session(published, heard or published.heard)}
    stream = options.pop("stream", venue_named("binance").stream(["BTC/USDT"], "binance"))
    return Feed(stream, sessions, ws_url=url, **(defaults | options))


@contextlib.asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(feed.run())
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()


def run(test: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(test())


async def subscribed(socket: web.WebSocketResponse) -> None:
    request = json.loads((await socket.receive()).data)
    assert request["method"] == "SUBSCRIBE"
    assert request["params"] == ["btcusdt@trade", "btcusdt@bookTicker"]
    await socket.send_str('{"result":null,"id":1}')


async def until_closed(socket: web.WebSocketResponse) -> None:
    while not socket.closed:
        await socket.receive()


def test_feed_subscribes_again_after_the_server_cuts_the_connection() -> None:
    async def first(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))

    async def second(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(4))
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(first, second) as url:
            feed = feed_of(url, published)
            async with running(feed):
                assert await published.trades(2) == [1, 4]
            counts = feed.counts
        assert (counts.trades, counts.ignored, counts.reconnects) == (2, 2, 1)
        assert counts.missing == 2

    run(test)


def test_malformed_frame_becomes_a_dead_letter_and_the_stream_goes_on() -> None:
    async def session(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await socket.send_str('{"e":"trade","s":"BTCUSDT","t":2')
        await socket.send_bytes(b"\xff\xfe")
        await socket.send_str(trade(3))
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(session) as url:
            feed = feed_of(url, published)
            async with running(feed):
                assert await published.trades(2) == [1, 3]
            assert feed.counts.dead_letters == 2
        letter = published.dead_letters.get_nowait()
        assert letter.raw == b'{"e":"trade","s":"BTCUSDT","t":2'
        assert letter.source == "binance"

    run(test)


def test_connection_that_falls_silent_is_given_up() -> None:
    async def silent(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await until_closed(socket)

    async def lively(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(silent, lively) as url:
            feed = feed_of(url, published, silence_s=0.3, heartbeat_s=0.02)
            async with running(feed):
                assert await published.trades(1) == [1]
                assert feed.counts.reconnects == 1

    run(test)


def test_pings_of_the_exchange_are_answered_and_keep_a_quiet_connection() -> None:
    async def test() -> None:
        answers: asyncio.Queue[bytes] = asyncio.Queue()

        async def session(socket: web.WebSocketResponse) -> None:
            await subscribed(socket)
            for number in range(20):
                await socket.ping(b"%d" % number)
                message = await socket.receive()
                assert message.type is aiohttp.WSMsgType.PONG
                answers.put_nowait(message.data)
                with contextlib.suppress(TimeoutError):
                    await socket.receive(timeout=0.04)
            await until_closed(socket)

        published = Published()
        async with exchange(session) as url:
            feed = feed_of(url, published, silence_s=0.5, heartbeat_s=0.02)
            async with running(feed):
                assert [await answers.get() for _ in range(20)] == [b"%d" % n for n in range(20)]
            assert feed.counts.reconnects == 0

    run(test)


def test_heartbeats_say_how_far_time_is_seen_while_nothing_trades() -> None:
    async def session(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(session) as url, running(feed_of(url, published, heartbeat_s=0.02)):
            assert await published.trades(1) == [1]
            seen = [(await published.messages.get()).seen_until_us for _ in range(3)]
        assert seen == sorted(set(seen))

    run(test)


def test_quiet_connection_is_asked_for_a_sign_of_life() -> None:
    async def test() -> None:
        asked = asyncio.Event()

        async def session(socket: web.WebSocketResponse) -> None:
            await subscribed(socket)
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.PING
            await socket.pong(message.data)
            asked.set()
            await until_closed(socket)

        async with exchange(session) as url, running(feed_of(url, Published())):
            await asked.wait()

    run(test)


def test_large_message_in_fragments_is_put_together() -> None:
    async def session(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        writer = socket._writer
        assert writer is not None
        text = trade(7).encode()
        writer.transport.write(bytes([0x01, 40]) + text[:40])
        writer.transport.write(bytes([0x80, len(text) - 40]) + text[40:])
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(session) as url, running(feed_of(url, published)):
            assert await published.trades(1) == [7]

    run(test)


def test_connection_whose_end_is_announced_is_kept_until_the_next_one_answers() -> None:
    async def test() -> None:
        frames = {number: trade(number) for number in range(5)}
        old: asyncio.Queue[str] = asyncio.Queue()
        is_closed = asyncio.Event()

        async def ending(socket: web.WebSocketResponse) -> None:
            await subscribed(socket)
            await socket.send_str(frames[1])
            await socket.send_str('{"e":"serverShutdown","E":1770123456789}')
            for _ in range(2):
                await socket.send_str(await old.get())
            await until_closed(socket)
            is_closed.set()

        async def next_one(socket: web.WebSocketResponse) -> None:
            request = json.loads((await socket.receive()).data)
            assert request["method"] == "SUBSCRIBE"
            old.put_nowait(frames[2])
            await socket.send_str('{"result":null,"id":1}')
            await socket.send_str(frames[2])
            old.put_nowait(frames[3])
            await is_closed.wait()
            await socket.send_str(frames[3])
            await socket.send_str(frames[4])
            await until_closed(socket)

        published = Published()
        async with exchange(ending, next_one) as url:
            feed = feed_of(url, published)
            async with running(feed):
                assert await published.trades(4) == [1, 2, 3, 4]
            assert (feed.counts.duplicates, feed.counts.missing) == (2, 0)
            assert feed.counts.reconnects == 0
        assert published.connections == ["connected"]

    run(test)


def test_next_connection_counts_where_the_old_one_goes_before_its_time() -> None:
    async def test() -> None:
        may_go = asyncio.Event()

        async def ending(socket: web.WebSocketResponse) -> None:
            await subscribed(socket)
            await socket.send_str(trade(1))
            await socket.send_str('{"e":"serverShutdown","E":1770123456789}')
            await may_go.wait()

        async def next_one(socket: web.WebSocketResponse) -> None:
            await subscribed(socket)
            await socket.send_str(trade(2))
            may_go.set()
            await asyncio.sleep(0)
            await socket.send_str(trade(3))
            await until_closed(socket)

        published = Published()
        async with exchange(ending, next_one) as url:
            feed = feed_of(url, published)
            async with running(feed):
                assert await published.trades(3) == [1, 2, 3]
        assert published.connections == ["connected"]

    run(test)


def test_refusal_of_our_location_has_another_server_tried() -> None:
    async def refusing(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.Response(status=451)

    async def session(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with serving(refusing) as refuses, exchange(session) as url:
            feed = feed_of(refuses, published, other_urls=[url])
            async with running(feed):
                assert await published.trades(1) == [1]

    run(test)


class Kept:
    """A stream that is kept alive by frames of its own, as OKX's is."""

    def __init__(self) -> None:
        self._stream = venue_named("binance").stream(["BTC/USDT"], "binance")
        self.keepalive = b"ping"
        self.keepalive_s = 0.05

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def test_frames_that_keep_a_connection_alive_are_sent_as_often_as_the_venue_wants() -> None:
    async def test() -> None:
        kept: asyncio.Queue[str] = asyncio.Queue()

        async def session(socket: web.WebSocketResponse) -> None:
            await subscribed(socket)
            while not socket.closed:
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    kept.put_nowait(message.data)

        published = Published()
        async with exchange(session) as url:
            feed = feed_of(url, published, stream=Kept(), heartbeat_s=0.02)
            async with running(feed):
                assert [await kept.get() for _ in range(3)] == ["ping"] * 3

    run(test)


def test_refused_request_makes_the_feed_connect_anew() -> None:
    async def ending(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str('{"code":2,"msg":"Invalid request"}')
        await until_closed(socket)

    async def next_one(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(ending, next_one) as url, running(feed_of(url, published)):
            assert await published.trades(1) == [1]

    run(test)


def test_the_end_of_a_recording_ends_the_feed_without_a_loss() -> None:
    async def playing(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await socket.send_str('{"e":"serverShutdown","E":1770123456789,"reason":"recording ended"}')
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(playing) as url:
            feed = feed_of(url, published)
            async with running(feed) as task:
                await task
            assert feed.ended
            assert not feed.connected
        assert await published.trades(1) == [1]
        assert (published.connections, feed.counts.reconnects) == (["connected"], 0)

    run(test)


def warnings_of(url: str, count: int) -> list[dict[str, Any]]:
    """What a feed that never gets through warns about."""

    async def test() -> list[dict[str, Any]]:
        warned: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sink = logger.add(lambda text: warned.put_nowait(text.record["extra"]), level="WARNING")
        try:
            async with running(feed_of(url, Published())):
                return [await warned.get() for _ in range(count)]
        finally:
            logger.remove(sink)

    return asyncio.run(test())


def test_exchange_that_is_not_there_is_tried_again_and_again(unused_port: int) -> None:
    warnings = warnings_of(f"ws://127.0.0.1:{unused_port}/ws", 3)
    assert all("cannot be reached" in each["reason"] for each in warnings)
    assert {each["exchange"] for each in warnings} == {"binance"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [(451, "refuses this location (HTTP 451): set EXCHANGE_WS_URL"), (503, "503")],
)
def test_refused_upgrade_says_why(status: int, reason: str) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text="no")

    async def test() -> None:
        async with serving(handler) as url:
            warnings = await asyncio.to_thread(warnings_of, url, 1)
        assert all(reason in each["reason"] for each in warnings)

    run(test)


def test_error_of_whoever_reads_the_messages_ends_the_feed() -> None:
    async def session(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await until_closed(socket)

    async def test() -> None:
        def broken(message: Trades | Gap | Stall, received_us: int) -> None:
            raise RuntimeError("disk full")

        async with (
            exchange(session) as url,
            running(feed_of(url, Published(), broken)) as task,
        ):
            with pytest.raises(RuntimeError, match="disk full"):
                await task

    run(test)


def test_error_of_the_broker_is_no_lost_connection() -> None:
    async def session(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))
        await until_closed(socket)

    async def test() -> None:
        def undelivered(message: Trades | Gap | Stall, received_us: int) -> None:
            raise NetworkError("the broker did not take a message")

        published = Published()
        async with (
            exchange(session) as url,
            running(feed_of(url, published, undelivered)) as task,
        ):
            with pytest.raises(NetworkError, match="the broker did not take"):
                await task
        assert published.connections == ["connected"]

    run(test)


def test_a_lost_connection_is_told_before_the_next_one_answers() -> None:
    async def first(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(1))

    async def second(socket: web.WebSocketResponse) -> None:
        await subscribed(socket)
        await socket.send_str(trade(2))
        await until_closed(socket)

    async def test() -> None:
        published = Published()
        async with exchange(first, second) as url, running(feed_of(url, published)):
            assert await published.trades(2) == [1, 2]
            assert published.connections == ["connected", "lost", "connected"]

    run(test)


def test_url_that_is_none_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="EXCHANGE_WS_URL"):
        feed_of("http://127.0.0.1/", Published())
    with pytest.raises(SettingsError, match="not a WebSocket URL"):
        asyncio.run(feed_of("ws://127.0.0.1:port/ws", Published()).run())
