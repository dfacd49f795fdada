"""The exchange as a whole: markets behind a listening port, until they end or it is stopped."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from exchange_simulator.clock import MarketClock
from exchange_simulator.faults.control import ControlApi
from exchange_simulator.faults.exchange import ExchangeFaults
from exchange_simulator.faults.numbering import NumberedTape
from exchange_simulator.faults.plan import Faults
from exchange_simulator.faults.rest import RestFaults
from exchange_simulator.faults.spec import Spec
from exchange_simulator.market.playback import Playback
from exchange_simulator.market.tape import Tape
from exchange_simulator.serving.audience import Audience, Ledger
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.late_quotes import LateQuotes
from exchange_simulator.serving.markets import markets_of
from exchange_simulator.serving.port import Allowance, ConnectionRules
from exchange_simulator.serving.rest import RestServer
from exchange_simulator.serving.websocket import StreamServer
from exchange_simulator.venues import server_of
from marketstream.errors import NetworkError, SettingsError

_HIGHEST_PORT = 65_535
_LONGEST_URL = 1 << 16  # 1024 streams fit in
_LIVE_PATIENCE_S = 1.0  # a live market goes on; a slow client may not hold up the others
_RECORDING_PATIENCE_S = 30.0


class RunningExchange:
    """An exchange that listens; `close` it in the end.

    A recording waits for its first subscription and then `gather_s` for others to come, plays, and
    once all is sent says goodbye for `linger_s` before it closes the connections.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        audience: Audience,
        playback: Playback,
        *,
        gather_s: float | None,
        linger_s: float,
        faults: Faults | None,
        venue: str,
        ws_path: str,
    ) -> None:
        self.faults = faults
        self.venue = venue
        self._ws_path = ws_path
        self.host, self.port = runner.addresses[0][:2]
        self._runner = runner
        self._audience = audience
        self._playback = playback
        self._gather_s = gather_s
        self._linger_s = linger_s
        self._stopping = asyncio.Event()
        self._course = asyncio.create_task(self._run())

    @property
    def ws_url(self) -> str:
        """Where to connect to, in the form of `EXCHANGE_WS_URL`."""
        return f"ws://{self._authority}{self._ws_path}"

    @property
    def combined_url(self) -> str:
        """Binance's combined endpoint, which takes `?streams=a/b`."""
        return f"ws://{self._authority}/stream"

    @property
    def rest_url(self) -> str:
        """The root of the REST API, in the form of `EXCHANGE_REST_URL`."""
        return f"http://{self._authority}"

    @property
    def ledger(self) -> Ledger:
        """What has gone out so far."""
        return self._audience.ledger

    @property
    def market_time_us(self) -> int:
        """The market's present: everything before it has been sent."""
        return self._playback.position_us

    @property
    def ended(self) -> Awaitable[None]:
        """Resolves when a recording is played and sent to its end, or the exchange is closed."""
        return asyncio.shield(self._course)

    async def close(self) -> None:
        """Announce the stop, close the connections and stop listening; again changes nothing."""
        self._stopping.set()
        self._playback.stop()
        self._audience.subscribed.set()
        await asyncio.wait([self._course])
        await self._audience.close()
        await self._runner.cleanup()

    async def _run(self) -> None:
        try:
            if self._gather_s is not None:
                await self._audience.subscribed.wait()
                await self._pause(self._gather_s)
            await self._playback.run()
            if not self._stopping.is_set():
                await self._audience.drain()
        finally:
            self._audience.announce_shutdown(
                self._playback.position_us, ended=not self._stopping.is_set()
            )
            await self._pause(self._linger_s)
            await self._audience.close()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when the exchange is being closed."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def start(
    tapes: Sequence[Tape],
    *,
    venue: str = "binance",
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    rules: ConnectionRules | None = None,
    allowance: Allowance | None = None,
    gather_s: float = 0.2,
    linger_s: float = 1.0,
    faults: Spec | None = None,
    quote_lag_ms: int = 0,
) -> RunningExchange:
    """Listen on `host` and `port` (0 for any free one) and let the markets of a venue run.

    Tapes without an end run from now on; as soon as one has an end, time starts with the earliest
    of those when the first client has subscribed. Quotes and books are `quote_lag_ms` late.
    Raises NetworkError where the port cannot be had and SettingsError for a venue, a speed, a port,
    a lag or markets that make no sense. `rules` and `allowance` are the venue's unless given. With
    `faults` it does wrong what they say, and `/simulator` begins and ends more of them.
    """
    if quote_lag_ms:
        tapes = [LateQuotes(tape, quote_lag_ms) for tape in tapes]
    numbered = None if faults is None else [NumberedTape(tape) for tape in tapes]
    if numbered is not None:
        tapes = numbered
    recordings = [tape for tape in tapes if tape.end_us is not None]
    if recordings:
        start_us = min(tape.start_us or 0 for tape in recordings)
        clock = MarketClock(start_us, speed)
    else:
        start_us = time.time_ns() // 1_000
        clock = MarketClock(start_us, speed)
        clock.start()
    patience_s = _RECORDING_PATIENCE_S if recordings else _LIVE_PATIENCE_S
    speaks = server_of(venue)
    markets = markets_of(tapes, start_us, speaks.wire_symbol)
    plan = None if faults is None else Faults(faults, list(markets), speaks.marks)
    doing = None if plan is None else ExchangeFaults(plan)
    spoiling = None if plan is None else RestFaults(plan, markets)
    server = speaks(Exchange(markets, lambda: playback.position_us, spoiling), allowance)
    audience = Audience(server, patience_s, doing)
    ends = [tape.end_us for tape in tapes if tape.end_us is not None]
    end_us = max(ends) if len(ends) == len(tapes) else None
    playback = Playback(clock, end_us, audience.publish, audience.settle)
    application = web.Application()
    streams = StreamServer(server, audience, rules or speaks.rules, doing)
    application.add_routes(streams.routes())
    if plan is not None and doing is not None and numbered is not None:
        truth = dict(zip(markets, numbered, strict=True))
        doing.attach(audience, truth, lambda: playback.position_us)
        application.add_routes(ControlApi(plan, truth, lambda: playback.position_us).routes())
    rest = RestServer(server, spoiling)
    application.add_routes(rest.routes())
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=linger_s,
        max_line_size=_LONGEST_URL,
    )
    await _listen(runner, host, port)
    return RunningExchange(
        runner,
        audience,
        playback,
        gather_s=gather_s if recordings else None,
        linger_s=linger_s if end_us is not None else 0.0,
        faults=plan,
        venue=venue,
        ws_path=speaks.ws_path,
    )


async def serve(
    tapes: Sequence[Tape],
    *,
    venue: str = "binance",
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    faults: Spec | None = None,
    quote_lag_ms: int = 0,
    announce: Callable[[RunningExchange], None],
) -> None:
    """Run an exchange until it is cancelled or its recordings have ended.

    `announce` is called once it listens. Raises what `start` raises.
    """
    exchange = await start(
        tapes, venue=venue, host=host, port=port, speed=speed, faults=faults,
        quote_lag_ms=quote_lag_ms,
    )  # fmt: skip
    try:
        announce(exchange)
        await exchange.ended
    finally:
        await exchange.close()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    if not 0 <= port <= _HIGHEST_PORT:
        raise SettingsError(f"port {port} does not exist: choose one up to {_HIGHEST_PORT}")
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        if error.errno == errno.EADDRINUSE:
            problem = "is already in use: stop what listens there, or choose another with --port"
        else:
            reason = error.strerror or error
            problem = (
                f"cannot be opened ({reason}): choose another host or, with --port, another port"
            )
        raise NetworkError(f"port {port} on {host} {problem}") from error
