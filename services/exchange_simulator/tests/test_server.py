import asyncio
import json
import socket
import struct

import pytest

from exchange_simulator import serve
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.server import RunningExchange, start
from marketstream.errors import NetworkError, SettingsError


def test_busy_port_is_named_with_the_remedy():
    async def play() -> None:
        with socket.create_server(("127.0.0.1", 0)) as busy:
            port = busy.getsockname()[1]
            with pytest.raises(NetworkError) as problem:
                await start([SeededMarket("BTC/USDT", 1)], port=port)
        assert str(problem.value) == (
            f"port {port} on 127.0.0.1 is already in use: "
            "stop what listens there, or choose another with --port"
        )

    asyncio.run(play())


def test_host_that_does_not_exist_is_a_network_error():
    async def play() -> None:
        with pytest.raises(NetworkError, match=r"port 0 on 203\.0\.113\.7 cannot be opened"):
            await start([SeededMarket("BTC/USDT", 1)], host="203.0.113.7")

    asyncio.run(play())


@pytest.mark.parametrize(
    ("symbols", "options", "message"),
    [
        ([], {}, "give at least one symbol"),
        (["BTC/USDT", "BTC/USDT"], {}, "two markets are called BTCUSDT"),
        (["BTC/USDT"], {"port": 70_000}, "port 70000 does not exist"),
        (["BTC/USDT"], {"speed": 0.0}, "speed 0 makes no sense"),
    ],
)
def test_settings_that_make_no_sense_are_refused(symbols, options, message):
    async def play() -> None:
        with pytest.raises(SettingsError, match=message):
            await start([SeededMarket(symbol, 1) for symbol in symbols], **options)

    asyncio.run(play())


def test_serve_announces_and_returns_at_the_end_of_the_recording(small_market):
    announced: list[RunningExchange] = []

    async def client() -> list[int]:
        """Speak WebSocket by hand, as RFC 6455 has it, to see what is on the wire."""
        reader, writer = await asyncio.open_connection("127.0.0.1", announced[0].port)
        writer.write(
            b"GET /ws/btcusdt@trade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"101 Switching Protocols" in head
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        ids = []
        while True:
            opcode, length = await reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            payload = await reader.readexactly(length)
            if opcode == 0x88:
                assert payload == struct.pack("!H", 1001)
                writer.write(b"\x88\x82" + bytes(4) + payload)
                break
            assert opcode == 0x81
            ids.append(json.loads(payload).get("t"))
        writer.close()
        await writer.wait_closed()
        return ids

    async def play() -> None:
        listening = asyncio.Event()

        def announce(exchange: RunningExchange) -> None:
            announced.append(exchange)
            listening.set()

        serving = asyncio.create_task(serve([small_market], speed=1_000.0, announce=announce))
        await listening.wait()
        assert await client() == [*range(100, 111), None]
        await serving
        assert announced[0].ws_url == f"ws://127.0.0.1:{announced[0].port}/ws"

    asyncio.run(play())


def test_cancelled_serve_stops_listening():
    async def play() -> None:
        listening: asyncio.Future[RunningExchange] = asyncio.get_running_loop().create_future()
        market = SeededMarket("BTC/USDT", 1)
        serving = asyncio.create_task(serve([market], announce=listening.set_result))
        exchange = await listening
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", exchange.port)

    asyncio.run(play())


def test_ended_resolves_when_a_waiting_exchange_is_closed(small_market):
    async def play() -> None:
        exchange = await start([small_market])
        await exchange.close()
        await exchange.ended
        await exchange.close()

    asyncio.run(play())


def test_client_that_does_not_read_is_cut_and_the_others_go_on(running):
    market = SeededMarket("BTC/USDT", 1, trades_per_second=500.0)

    async def play() -> None:
        async with running(market, speed=500.0) as (exchange, session):
            with socket.socket() as lazy:
                lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                lazy.connect(("127.0.0.1", exchange.port))
                lazy.sendall(
                    b"GET /ws/btcusdt@trade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                async with session.ws_connect(f"{exchange.ws_url}/btcusdt@trade") as ws:
                    first = (await ws.receive_json())["t"]
                    last = first
                    while not exchange.ledger.slow_clients_cut:
                        last += 1
                        assert (await ws.receive_json())["t"] == last

    asyncio.run(play())
