"""`realtime reset`: a stage on Kafka begins anew, from a place on its topic that is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marketstream.settings import load_settings
from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.types import Checked

if TYPE_CHECKING:
    from marketstream.runners.kafka.reset import Place

STAGES = ("candles", "technical_indicators", "predictor", "storekeeper")


def _place(text: str) -> Place:
    from marketstream.runners.kafka.reset import place_of  # with Quix, which takes a second

    return place_of(text)


@click.command()
@click.argument("stage", type=click.Choice(STAGES))
@click.option(
    "--from",
    "place",
    type=Checked("place", _place),
    required=True,
    help="earliest, latest, a time such as 2026-11-22T03:00Z (in UTC unless it says), or so long "
    "ago, such as 90m: what was published from then on is read.",
)
@json_option
def reset(stage: str, place: Place, *, as_json: bool) -> None:
    """Have a stage begin anew on Kafka: without its state, from a place on its topic.

    Stop all its workers first, and start them afterwards. What they write once more is known by its
    identity, and passed over by whoever has it: docs/operations.md has the whole procedure.
    """
    from marketstream.runners.kafka.reset import READS, reset_stage, summary
    from marketstream.runners.kafka.settings import KafkaSettings

    to_read = reset_stage(load_settings(KafkaSettings, None), stage, READS[stage], place)
    if as_json:
        report.print_json({
            "stage": stage,
            "offsets": {
                topic: {str(extent.partition): extent.first for extent in extents}
                for topic, extents in to_read.items()
            },
            "messages": sum(
                extent.end - extent.first for extents in to_read.values() for extent in extents
            ),
        })  # fmt: skip
    else:
        click.echo(summary(stage, to_read))
