"""The trades part: follows exchanges and publishes what they say, gaplessly over its own stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from exchanges.sources import sources_of
from marketstream.messages import Message, Trades
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.topics import TRADES
from trades.following import Following
from trades.past import Known
from trades.settings import TradesSettings

_ENOUGH_TRADES = 1_000  # an aggregate of more fills than these was never seen

type Resumed = Callable[[], Mapping[str, tuple[int | None, int]]]
"""Gives id (None where nothing traded) and time in µs of the last trade known, by market."""


def build(
    plan: Plan, settings: TradesSettings, ports: Ports, *, resumed: Resumed | None = None
) -> Part:
    """Return the part; raises SettingsError where a market's exchange can't be followed.

    Where it goes on is what `resumed` says once the exchanges answer; without it, what was
    published last.
    """
    sources = sources_of(
        plan.markets, settings.exchange, ws_url=settings.ws_url, rest_url=settings.rest_url
    )
    followings = [Following(source, plan, settings, ports) for source in sources]

    async def known() -> Mapping[str, Known]:
        if resumed is not None:
            return {market: Known(*last) for market, last in resumed().items()}
        tails = await asyncio.to_thread(ports.tail, TRADES, plan.markets, _enough)
        return {market: found for market in tails if (found := _known(tails[market])) is not None}

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for following in followings:
                    tasks.create_task(following.run(known))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    def health() -> Mapping[str, object]:
        return {
            "status": "ok" if all(one.is_ready for one in followings) else "starting",
            "connected": all(one.is_connected for one in followings),
        }

    return Part("trades", work=work, health=health)


def _known(tail: Sequence[Message]) -> Known | None:
    newest = [trade for one in tail if isinstance(one, Trades) for trade in one.trades]
    return Known(newest[-1].id, newest[-1].time_us, newest) if newest else None


def _enough(tail: Sequence[Message]) -> bool:
    return sum(len(one.trades) for one in tail if isinstance(one, Trades)) >= _ENOUGH_TRADES
