"""`realtime models export`: a registered model as an ONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from marketstream.errors import InputError
from marketstream.nearest import did_you_mean
from realtime_training import report
from realtime_training.commands.models.roles import named_model, opened_registry, place_options
from realtime_training.commands.options import json_option
from realtime_training.commands.stored import state_option


@click.command()
@click.argument("version")
@click.option(
    "--onnx",
    "file",
    required=True,
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where to write it.",
)
@click.option("--candidate", help="Which of its candidates; its champion unless this is said.")
@place_options
@state_option
@json_option
def export(
    version: str,
    file: Path,
    candidate: str | None,
    place: tuple[str, str, int],
    state: Path,
    *,
    as_json: bool,
) -> None:
    """Write VERSION of the registered model as an ONNX file, with correction and calibration.

    It reads a row of doubles and answers how likely down and up are, given that the price moves,
    within 1e-5 of the model; what is unknown (NaN) counts as it does in the model. Its metadata
    name the features in order, so that it can take part in another run's arena (docs/arena.md).
    """
    from predictor.exporting.graph import onnx_of

    name = named_model(place)
    model = opened_registry(state).model(name, version)
    members = {each.name: each.candidate for each in model.members}
    chosen = model.champion.name if candidate is None else candidate
    if chosen not in members:
        raise InputError(
            f"version {version} of {name} has no candidate {chosen}: "
            f"{did_you_mean(chosen, members)}there are {', '.join(members)}"
        )
    told = {"model": name, "version": version, "candidate": chosen}
    written = onnx_of(members[chosen], told)
    try:
        file.write_bytes(written)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from error
    if as_json:
        report.print_json({**told, "file": str(file), "bytes": len(written)})
    else:
        click.echo(f"{file}: {chosen} of {name}, version {version}, {len(written):,} bytes")
