"""`realtime bench`: how fast it is."""

from __future__ import annotations

import click

from realtime_bench import NAMES
from realtime_training import report
from realtime_training.commands.options import json_option


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice(NAMES))
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often to measure each figure; the median counts.",
)
@click.option(
    "--markets",
    type=click.IntRange(min=1),
    multiple=True,
    default=(50,),
    show_default=True,
    help="With how many markets live is measured, beside ten; may be given several times.",
)
@click.option("--quick", is_flag=True, help="Do little work: to see that it runs, not how fast.")
@json_option
def bench(
    names: tuple[str, ...], runs: int, markets: tuple[int, ...], *, quick: bool, as_json: bool
) -> None:
    """Measure how fast it is: everything, or what is named.

    replay runs a million trades from frames to outcomes on one core; ingest reads each venue's
    frames off a socket, as fast as one core can; candles only makes candles of
    them, beside the peers that `uv sync --group peers` installs; live measures the whole system on
    a real socket at 10,000 trades/s; start measures the way to the first prediction; train makes
    features and labels of a million candles and fits LightGBM; infer asks for one row at a time;
    indicators measures what a close costs in features, and a million of them in columns;
    symbols follows 1,000 markets by one trades process and counts what is lost, symbols-kafka by
    the trades service on a broker, which is killed meanwhile;
    api asks for the newest predictions by `wrk` as often as it can, then has 1,000 clients
    listen and 10,000 do harm; kafka measures workers and all services on a broker, its own
    unless KAFKA_BROKER names one.
    """
    from realtime_bench.catalogue import print_table, run_all
    from realtime_bench.figures import Effort

    result = run_all(names, Effort(runs, quick, markets))
    if as_json:
        report.print_json(result)
    else:
        print_table(result)
