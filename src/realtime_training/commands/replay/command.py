"""`realtime replay`: a recording through the whole pipeline."""

from __future__ import annotations

from pathlib import Path

import click

from marketstream.errors import SettingsError
from realtime_training import report
from realtime_training.commands.options import (
    beside_option,
    horizons_option,
    json_option,
    latency_option,
    timeframe_option,
)
from realtime_training.commands.types import FILE, INTERVAL, SYMBOL


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option(
    "--symbol",
    type=SYMBOL,
    help="Market, like BTC/USDT; needed where FILES do not say, or hold several.",
)
@beside_option
@timeframe_option
@horizons_option
@latency_option
@click.option(
    "--retrain-every",
    "retrain_every_ms",
    type=INTERVAL,
    default="60s",
    show_default=True,
    help="Train again after this much market time.",
)
@json_option
def replay(
    files: tuple[Path, ...],
    symbol: str | None,
    beside: tuple[tuple[str, Path], ...],
    timeframe: str,
    horizons: tuple[int, ...],
    latency_ms: int,
    retrain_every_ms: int,
    *,
    as_json: bool,
) -> None:
    """Run recorded frames through the whole pipeline, training as it goes.

    FILES hold recorded WebSocket frames, one JSON frame per line, perhaps after a receive time in
    ns; .gz is unpacked. They are read in the order given. Those that realtime record makes say of
    which exchange and symbols they are. Every model is trained only on what came
    before; every prediction is scored on the book mid, beside baselines on the same rows.

    Recordings that one clock made can run together: frames of other markets, named by --beside, are
    taken in as they were received.

    \b
    Examples:
      realtime replay FILE
      realtime replay FILE --symbol BTC/USDT --timeframe 1s --horizon 2 --horizon 10
      realtime replay FILE --symbol BTC/USDT --latency 200 --json
      realtime replay SPOT --symbol BTC/USDT --beside binance-usdm:BTC/USDT:USDT PERPETUAL
    """  # noqa: D301 - click asks for a real backspace
    from realtime_training.commands.replay.work import Replay
    from realtime_training.recorded_market import told_by
    from realtime_training.settings import load_all

    settings, symbol = told_by(files, load_all(), symbol)
    if symbol is None:
        raise SettingsError("give --symbol, like BTC/USDT: FILES do not say whose frames they hold")
    run = Replay(
        symbol,
        timeframe,
        horizons,
        settings,
        latency_ms=latency_ms,
        retrain_every_ms=retrain_every_ms,
        beside=beside,
    )
    every = [*files, *(file for _, file in beside)]
    with report.reading(every, shown=not as_json) as advanced:
        summary = run.run(files, advanced=advanced)
    if as_json:
        report.print_json(summary)
    else:
        report.print_replay(summary)
