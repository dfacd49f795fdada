"""`realtime simulate`: the simulated exchange alone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path

import click

from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.types import FILE, LATENCY_MS, MARKET, PORT, SEED, SPEED, SYMBOL


class _WithKinds(click.Command):
    """A command whose help ends with the kinds of faults."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the kinds, one a line."""
        del ctx
        from exchange_simulator.faults.kinds import described

        with formatter.section("Faults"):
            for line in described().splitlines():
                formatter.write(f"  {line}\n")


@click.command(cls=_WithKinds)
@click.option("--venue", metavar="VENUE", help="Whose protocols to speak; binance unless said.")
@click.option(
    "--symbol",
    "symbols",
    type=SYMBOL,
    multiple=True,
    help="Market of it; may be repeated. Bitcoin and ether unless said.",
)
@click.option(
    "--market",
    "markets",
    type=MARKET,
    multiple=True,
    help="Market as VENUE:SYMBOL; may be repeated, for several venues at once.",
)
@click.option(
    "--lead",
    metavar="VENUE:LAG",
    help="This venue leads, and the others show the same market so much later: binance:200ms.",
)
@click.option(
    "--recording",
    "recordings",
    type=FILE,
    multiple=True,
    help="Play this recording; may be repeated, in order.",
)
@click.option("--seed", type=SEED, default=1, show_default=True, help="Which market to make up.")
@click.option(
    "--control", is_flag=True, help="A random walk with a spread of 5 bp: nothing to predict."
)
@click.option(
    "--trades-per-second",
    type=click.FloatRange(0.1, 10_000),
    default=50.0,
    show_default=True,
    help="Of each made-up market.",
)
@click.option(
    "--quote-lag",
    "quote_lag_ms",
    type=LATENCY_MS,
    default=0,
    show_default=True,
    help="Send quotes and books so many ms after the trades that they explain.",
)
@click.option(
    "--speed",
    type=SPEED,
    default="1",
    show_default=True,
    help="How much faster than life, or max.",
)
@click.option(
    "--host",
    envvar="EXCHANGE_HOST",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 for every one.",
)
@click.option(
    "--port",
    type=PORT,
    envvar="EXCHANGE_PORT",
    default=9443,
    show_default=True,
    help="For WebSocket and REST; 0 takes a free one. Further venues take those after it.",
)
@click.option(
    "--faults",
    envvar="EXCHANGE_FAULTS",
    metavar="SPEC",
    help="What to do wrong: zombie=2/30s (a minute, for 30 s), drop=3%, all, or none (only at a "
    "word, over /simulator/faults); :seed=7 last chooses when. The kinds are below.",
)
@click.option(
    "--ceiling",
    is_flag=True,
    help="Instead of running, say how good any model could be on the made-up market.",
)
@json_option
def simulate(
    venue: str | None,
    symbols: tuple[str, ...],
    markets: tuple[str, ...],
    lead: str | None,
    recordings: tuple[Path, ...],
    seed: int,
    trades_per_second: float,
    quote_lag_ms: int,
    speed: float,
    host: str,
    port: int,
    faults: str | None,
    *,
    control: bool,
    ceiling: bool,
    as_json: bool,
) -> None:
    """Run the simulated exchange alone, for any client to connect to.

    It speaks the WebSocket and REST protocols of every venue that realtime knows, each on a port of
    its own, and unless --host says otherwise to this machine only. Markets of one coin, one seed
    and different venues show the same hidden market. A recording starts when the first client has
    subscribed, and the command ends with it.

    \b
    Examples:
      realtime simulate --port 9443                    then, in another terminal:
        EXCHANGE_WS_URL=ws://127.0.0.1:9443/ws EXCHANGE_REST_URL=http://127.0.0.1:9443 \\
        realtime run --exchange binance
      realtime simulate --venue kraken                 another exchange
      realtime simulate --market binance-usdm:BTC/USDT:USDT --market kraken:BTC/USD \\
        --lead binance-usdm:200ms                      two of them, one ahead of the other
      realtime simulate --control                      a market with nothing to predict
      realtime simulate --control --quote-lag 80       the same, with quotes that lag
      realtime simulate --faults all:seed=7            an exchange that does all kinds of wrong
      realtime simulate --ceiling --seed 7             how good any model could be there
    """  # noqa: D301 - click asks for a real backspace
    from realtime_training.commands.simulate.markets import chosen_markets, lagging
    from realtime_training.commands.simulate.work import (
        Announcement,
        MarketChoice,
        ceilings,
        simulate_all,
    )

    usual = MarketChoice(
        (), recordings, seed, control, trades_per_second, quote_lag_ms=quote_lag_ms
    )
    choices = lagging(chosen_markets(markets, venue, symbols, usual), lead)
    if ceiling:
        report.print_ceilings(ceilings(choices), as_json=as_json)
        return

    def announce(announcements: Sequence[Announcement]) -> None:
        report.print_announcements(announcements, as_json=as_json)

    serving = simulate_all(
        choices, speed=speed, host=host, port=port, faults=faults, announce=announce
    )
    asyncio.run(_until_told(serving))


async def _until_told(serving: Coroutine[None, None, None]) -> None:
    """Serve until SIGTERM, which the first process of a container has to ask for."""
    task = asyncio.create_task(serving)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
