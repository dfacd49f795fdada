"""The trades part: follows exchanges and publishes what they say, gaplessly over its own stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from loguru import logger

from marketstream.messages import Gap, Message, Trade, Trades
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.together import together
from marketstream.topics import GAPS, TRADES
from trades.following import Following
from trades.session.rules import Known, Mark
from trades.settings import TradesSettings
from trades.sharing import shared_out

_ENOUGH_TRADES = 1_000  # an aggregate of more fills than these was never seen
_BACK_MS = 600_000  # of a market that is calmer than that, the topic of very many is not searched

type Resumed = Callable[[], Mapping[str, Known]]
"""Gives up to where trades are known, by market; their gaps are told apart."""

type OpenGaps = Callable[[str], Sequence[Gap]]
"""Gives the gaps of a market that were open when it was last followed."""


def build(
    plan: Plan,
    settings: TradesSettings,
    ports: Ports,
    *,
    resumed: Resumed | None = None,
    open_gaps: OpenGaps | None = None,
) -> Part:
    """Return the part; raises SettingsError where a market's exchange can't be followed.

    Where it goes on is what `resumed` and `open_gaps` say; without them, what was published last.
    """
    markets = shared_out(plan.markets, settings.instance, settings.instances)
    sources = settings.sources(markets)
    share = {"instance": settings.instance, "instances": settings.instances}
    if settings.instances > 1:
        logger.info("Share of the markets", markets=list(markets), **share)
    followings = [Following(source, plan, settings, ports) for source in sources]

    async def known() -> Mapping[str, Known]:
        if resumed is not None:
            gaps = (lambda _market: ()) if open_gaps is None else open_gaps
            return {market: last._replace(gaps=gaps(market)) for market, last in resumed().items()}
        tails = await asyncio.to_thread(ports.tail, TRADES, markets, _enough, _BACK_MS)
        said = await asyncio.to_thread(ports.tail, GAPS, markets, _never)
        return {
            market: found
            for market in tails
            if (found := _known(tails[market], said.get(market, ()))) is not None
        }

    async def work() -> None:
        if not followings:
            logger.warning("No market is this one's: others follow them all", **share)
            await asyncio.Event().wait()  # a process that ended would be started again
        await together(following.run(known) for following in followings)

    def health() -> Mapping[str, object]:
        return {
            "status": "ok" if all(one.is_ready for one in followings) else "starting",
            "connected": all(one.is_connected for one in followings),
        }

    return Part("trades", work=work, health=health)


def _known(tail: Sequence[Message], said: Sequence[Message]) -> Known | None:
    trades = [one for one in tail if isinstance(one, Trades) and one.trades]
    if not trades:
        return None
    epoch = max(one.epoch for one in trades)
    newest = sorted(
        (trade for one in trades if one.epoch == epoch for trade in one.trades),
        key=_by_id if trades[-1].numbered else _by_time,
    )
    last = newest[-1]
    gaps = _still_open(said, epoch)
    return Known(last.id, last.time_us, newest, epoch, gaps, last.price, Mark.of(last))


def _by_id(trade: Trade) -> int:
    return trade.id


def _by_time(trade: Trade) -> int:
    return trade.time_us


def _still_open(said: Sequence[Message], epoch: int) -> list[Gap]:
    """Return the gaps whose newest writing says that they are open."""
    newest = {one.identity: one for one in said if isinstance(one, Gap)}
    return [gap for gap in newest.values() if gap.state == "open" and gap.epoch == epoch]


def _enough(tail: Sequence[Message]) -> bool:
    return sum(len(one.trades) for one in tail if isinstance(one, Trades)) >= _ENOUGH_TRADES


def _never(tail: Sequence[Message]) -> bool:
    """Have all of a topic read: gaps are few."""
    del tail
    return False
