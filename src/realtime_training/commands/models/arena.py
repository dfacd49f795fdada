"""`realtime models arena`: the models from outside that the configuration has take part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from realtime_training import report
from realtime_training.commands.options import json_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from predictor.arena.settings import ArenaModelSettings


@click.command()
@json_option
def arena(*, as_json: bool) -> None:
    """Load the models from outside that take part, as a start does, and tell what they read.

    They are those of `arena` in the predictor's config.yaml. What cannot take part is refused, with
    the reason; an endpoint is not asked.
    """
    from prometheus_client import CollectorRegistry

    from marketstream.metrics import Metrics
    from predictor.arena.abstentions import Abstentions
    from predictor.arena.endpoint import endpoint_of
    from predictor.arena.loading import guests
    from realtime_training.settings import load_all

    settings = load_all()
    configured = settings.predictor.arena
    plan = settings.plan.plan()
    abstentions = Abstentions(Metrics(CollectorRegistry()))
    rows = told(configured)
    for row, guest in zip(
        rows, guests(configured, settings.predictor.features, plan, abstentions), strict=True
    ):
        endpoint_of(guest.name, configured[guest.name])
        row |= {
            "model": guest.model,
            "horizons_ms": sorted(guest.horizons_ms),
            "features": list(guest.columns),
        }
    if as_json:
        report.print_json({"arena": rows})
        return
    if not rows:
        click.echo("no model from outside takes part: see docs/arena.md")
    for row in rows:
        ahead = ", ".join(f"{horizon_ms / 1_000:g} s" for horizon_ms in row["horizons_ms"])
        click.echo(f"{row['model']}  {row['way']} {row['where']}")
        click.echo(f"  ahead    {ahead}")
        click.echo(f"  reads    {', '.join(row['features'])}")


def told(configured: Mapping[str, ArenaModelSettings]) -> list[dict[str, Any]]:
    """Return what is configured, without secrets."""
    return [{"name": n, "way": one.way, "where": one.where} for n, one in configured.items()]


def print_told(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each."""
    for row in rows:
        click.echo(f"arena: {row['name']}, {row['way']} {row['where']}")
