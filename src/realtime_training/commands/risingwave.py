"""`realtime risingwave`: the sources, views and sinks in RisingWave."""

from __future__ import annotations

from pathlib import Path

import click

from marketstream.settings import SystemSettings, load_settings
from realtime_training import report
from realtime_training.commands.types import FILE


@click.group()
def risingwave() -> None:
    """Look after RisingWave, which keeps live views of what travels on Kafka."""


@risingwave.command()
@click.option(
    "--folder",
    type=FILE,
    envvar="RISINGWAVE_FOLDER",
    default=Path("risingwave"),
    show_default=True,
    help="Where the SQL is.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def migrate(folder: Path, *, as_json: bool) -> None:
    """Make what is missing: sources, views and sinks, and the sinks' tables in PostgreSQL.

    RISINGWAVE_HOST and RISINGWAVE_PORT say where it is. KAFKA_BROKER and POSTGRES_HOST have to be
    names that RisingWave too can reach. Start the services first: they make the topics.
    """
    from marketstream.store.risingwave import RisingWaveSettings
    from marketstream.store.risingwave import migrate as migrate_all

    applied = migrate_all(
        folder, load_settings(SystemSettings, None), load_settings(RisingWaveSettings, None)
    )
    if as_json:
        report.print_json({"applied": applied})
    else:
        click.echo(f"applied: {', '.join(applied) or 'nothing was missing'}")
