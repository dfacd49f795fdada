"""Options that several commands take alike."""

from __future__ import annotations

import click

from realtime_training.commands.types import FILE, HORIZON, LATENCY_MS, MARKET, TIMEFRAME

timeframe_option = click.option(
    "--timeframe",
    type=TIMEFRAME,
    default="1s",
    show_default=True,
    help="Predict at every close of this.",
)

own_timeframe_option = click.option(
    "--timeframe",
    type=TIMEFRAME,
    help="Decide at every close of this.  [default: 1s; of candles, their own]",
)

horizons_option = click.option(
    "--horizon",
    "horizons",
    type=HORIZON,
    multiple=True,
    default=(1, 2),
    show_default=True,
    help="So many timeframes ahead; may be repeated.",
)

latency_option = click.option(
    "--latency",
    "latency_ms",
    type=LATENCY_MS,
    default=0,
    show_default=True,
    help="Count outcomes from so many ms after the close.",
)

beside_option = click.option(
    "--beside",
    type=(MARKET, FILE),
    multiple=True,
    metavar="MARKET FILE",
    help="Frames of another market that the same clock recorded, to be looked at, like "
    "binance-usdm:BTC/USDT:USDT FILE; may be repeated.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)
