"""Options that several commands take alike."""

from __future__ import annotations

import click

from realtime_training.cli.types import TIMEFRAME

timeframe_option = click.option(
    "--timeframe",
    type=TIMEFRAME,
    default="1s",
    show_default=True,
    help="Predict at every close of this.",
)

latency_option = click.option(
    "--latency",
    "latency_ms",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Count outcomes from so many ms after the close.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)
