"""`realtime run`: everything in one process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from marketstream.errors import SettingsError
from marketstream.state_folder import state_folder
from marketstream.timeframes import duration_ms
from realtime_training.commands.options import latency_option, timeframe_option
from realtime_training.commands.types import (
    FILE,
    FOLDER,
    GROUP,
    HORIZON,
    INTERVAL,
    LEVELS,
    MARKET,
    PORT,
    SEED,
    SPEED,
    SYMBOL,
)

_RECORDING_RETRAIN = "60s"


@click.command()
@click.option(
    "--market",
    "markets",
    type=MARKET,
    multiple=True,
    help="Exchange and symbol, like kraken:BTC/USD or simulator:BTC/USDT; may be repeated.",
)
@click.option(
    "--exchange",
    help="Where the trades of --symbol come from, or simulator.  [default: simulator]",
)
@click.option(
    "--symbol",
    "symbols",
    type=SYMBOL,
    multiple=True,
    help="Symbol on --exchange, like BTC/USDT; may be repeated.  [default: as configured]",
)
@click.option(
    "--group",
    "groups",
    type=GROUP,
    multiple=True,
    help="Markets that look at each other, like btc=binance:BTC/USDT+kraken:BTC/USD; may be "
    "repeated.",
)
@timeframe_option
@click.option(
    "--horizon",
    "horizons",
    type=HORIZON,
    multiple=True,
    default=(1, 2, 5, 10),
    show_default=True,
    help="Predict so many timeframes ahead; may be repeated.",
)
@click.option(
    "--recording",
    "recordings",
    type=FILE,
    multiple=True,
    help="Have the simulator play this recording; may be repeated, in order.",
)
@click.option(
    "--seed", type=SEED, default=1, show_default=True, help="Which market the simulator makes up."
)
@click.option(
    "--speed",
    type=SPEED,
    default="1",
    show_default=True,
    help="How much faster than life the simulator runs, or max.",
)
@click.option(
    "--faults",
    envvar="EXCHANGE_FAULTS",
    metavar="SPEC",
    help="What the simulator is to do wrong, such as zombie=2/30s,drop=3%:seed=7; the help of "
    "`realtime simulate` has all kinds.",
)
@click.option(
    "--levels",
    type=LEVELS,
    help="Follow the book and keep so many of its best levels with candles; 0 for none.  "
    "[default: BOOK_LEVELS, or as configured]",
)
@click.option(
    "--context",
    is_flag=True,
    help="Follow what is told of perpetuals too: mark and index price, funding, open interest, "
    "liquidations.  [default: DERIVATIVES_CONTEXT, or as configured]",
)
@latency_option
@click.option(
    "--retrain-every",
    "retrain_every_ms",
    type=INTERVAL,
    help="Train again after this much market time.  [default: 60s for a recording, "
    "else MODEL_RETRAIN_INTERVAL]",
)
@click.option("--port", type=PORT, help="The API's port.  [default: 8000]")
@click.option(
    "--state",
    type=FOLDER,
    default=Path("state"),
    show_default=True,
    help="Folder of the database and the models.",
)
def run(
    markets: tuple[str, ...],
    exchange: str | None,
    symbols: tuple[str, ...],
    groups: tuple[tuple[str, tuple[str, ...]], ...],
    timeframe: str,
    horizons: tuple[int, ...],
    recordings: tuple[Path, ...],
    seed: int,
    speed: float,
    faults: str | None,
    levels: int | None,
    latency_ms: int,
    retrain_every_ms: int | None,
    port: int | None,
    state: Path,
    *,
    context: bool,
) -> None:
    """Run all services, API included, in one process until Ctrl-C.

    The default exchange is a simulated one on a real WebSocket, so this needs no network. With
    --recording it plays real trades. Models are trained as soon as two minutes of market time were
    seen, and again at the interval. Watch http://127.0.0.1:8000/, or ask /predictions/BTC-USDT.

    \b
    Examples:
      realtime run                                     the simulated exchange
      realtime run --symbol BTC/USDT --horizon 5       one market, 5 s ahead
      realtime run --exchange binance --timeframe 1m   a real one, a prediction a minute
      realtime run --market binance:BTC/USDT --market kraken:BTC/USD
                                                       several at once
      realtime run --recording FILE --speed 10         recorded trades, ten times as fast
      realtime run --seed 7 --state state-7            another market, kept elsewhere
      realtime run --levels 5                          the book too, five levels a side
      realtime run --faults all:seed=7                 an exchange that does all kinds of wrong
    """  # noqa: D301 - click asks for a real backspace
    from realtime_training import system
    from realtime_training.commands.run.dashboard import building_dashboard
    from realtime_training.commands.run.options import RunOptions, followed
    from realtime_training.settings import load_all

    settings = load_all()
    if retrain_every_ms is None:
        interval_s = settings.predictor.training.retrain_interval
        retrain_every_ms = duration_ms(_RECORDING_RETRAIN) if recordings else interval_s * 1_000
    chosen, in_groups = followed(markets, exchange, symbols, dict(groups), settings)
    options = RunOptions(
        markets=chosen,
        groups=in_groups,
        exchange=exchange,
        any_recorded=not (markets or symbols),
        timeframe=timeframe,
        horizons=horizons,
        recordings=recordings,
        seed=seed,
        speed=speed,
        faults=faults,
        levels=settings.trades.levels if levels is None else levels,
        retrain_every_ms=retrain_every_ms,
        latency_ms=latency_ms,
        host=settings.api.host,
        port=settings.api.port if port is None else port,
        state=state,
        context=context,
    )
    if not options.simulated and (recordings or speed != 1.0 or faults is not None):
        raise SettingsError(
            "--recording, --speed and --faults (EXCHANGE_FAULTS) are the simulator's: "
            "add one of its markets"
        )
    with state_folder(state), building_dashboard():
        asyncio.run(system.run(options, settings))
