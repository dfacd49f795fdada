"""`realtime indicators`: which indicators there are, and how each is configured."""

from __future__ import annotations

import click

from realtime_training import report
from realtime_training.commands.options import json_option


@click.command()
@click.argument("name", required=False)
@click.option(
    "--computed",
    is_flag=True,
    help="List the features that are computed as things are configured, and which of them models "
    "use.",
)
@json_option
def indicators(name: str | None, *, computed: bool, as_json: bool) -> None:
    """List the indicators that can be configured, or show the one of this NAME at length.

    They are TA-Lib's, read from TA-Lib itself, and our own, a file each in the folders book/,
    flow/, leaders/ and own/ of technical_indicators. A line says the name, how many candles the
    first value takes (those of the finest timeframe for book, flow and leaders), the meaning, what
    it reads of a candle, its parameters with their defaults and the values they may have, and the
    features that it makes; all that for the defaults.

    With NAME it shows also where the formula comes from, and what to write into
    services/technical_indicators/config.yaml, for the candles decided on and, where it reads
    candles, for those of another timeframe beside them. What models use of it is chosen under
    features in services/predictor/config.yaml. A name that there is not is refused with the nearest
    one.

    \b
    Examples:
      realtime indicators                     all of them, by family
      realtime indicators | grep -i volat     those about volatility
      realtime indicators macd                one of them, and the yaml to write
      realtime indicators --computed          what your config.yaml computes at every close
      realtime indicators --json | jq -r '.indicators[] | select(.candles <= 5).name'
    """  # noqa: D301 - click asks for a real backspace
    from realtime_training.commands.indicators import work

    if computed and name is not None:
        raise click.UsageError("give a NAME or --computed, not both")
    if computed:
        found = work.computed()
        report.print_json(found) if as_json else work.print_computed(found)
    elif name is not None:
        one = work.one(name)
        report.print_json(one) if as_json else work.print_one(one)
    else:
        listed = work.listed()
        report.print_json(listed) if as_json else work.print_listed(listed)
