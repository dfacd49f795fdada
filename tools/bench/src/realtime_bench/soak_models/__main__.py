"""`make soak-models`: thirty minutes of ten candidates and a training a minute, then a verdict."""

from __future__ import annotations

import sys

import click
import msgspec

from marketstream.errors import RealtimeError
from realtime_bench.load import SYMBOLS
from realtime_bench.soak_models.course import SoakModels, run
from realtime_bench.soak_models.verdict import told

_AS_IT_IS = SoakModels()


@click.command()
@click.option(
    "--minutes", type=click.FloatRange(min=0.5), default=_AS_IT_IS.minutes, show_default=True,
    help="With candidates; without, a third of that.",
)  # fmt: skip
@click.option(
    "--rate", type=click.FloatRange(min=10), default=_AS_IT_IS.rate, show_default=True,
    help="Trades a second, of all markets together.",
)  # fmt: skip
@click.option(
    "--markets", type=click.IntRange(min=1, max=len(SYMBOLS)), default=_AS_IT_IS.markets,
    show_default=True, help="How many.",
)  # fmt: skip
@click.option(
    "--retrain-every", type=click.IntRange(min=1), default=_AS_IT_IS.retrain_every_s,
    show_default=True, help="Seconds from one training of a market to the next.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def main(minutes: float, rate: float, markets: int, retrain_every: int, *, as_json: bool) -> None:
    """Run the system without candidates, then with ten and a training a minute, and compare.

    Exits with 1 where memory grew by more than a quarter, the 99th percentile of the time from a
    close's receipt to its prediction is more than a tenth above that without, a training failed,
    fewer than ten candidates spoke, or trades did not come through.
    """
    soak = SoakModels(minutes, rate, markets, retrain_every)
    try:
        report = run(soak, lambda what: click.echo(what, err=True))
    except RealtimeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.encode(report).decode() if as_json else told(report))
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
