"""`realtime models compare|promote|rollback|retire`: who serves a market and horizon."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from realtime_training import report
from realtime_training.commands.options import json_option
from realtime_training.commands.stored import state_option

if TYPE_CHECKING:
    from predictor.registry.mlflow import ModelRegistry
    from predictor.registry.roles import Term

_TAKEN_OVER = "a running predictor takes that over within seconds"

_version = click.argument("version")
_why = click.option("--why", default="by hand", show_default=True, help="What the history says.")


def place_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a registered model, given as `place`."""

    @wraps(command)
    def named(market: str, timeframe: str, horizon: int, **others: Any) -> None:
        split_market(market)
        command(place=(market, timeframe, horizon * timeframe_ms(timeframe)), **others)

    for option in (
        click.option("--horizon", type=click.IntRange(1), required=True,
                     help="How many timeframes the model looks ahead."),
        click.option("--timeframe", default="1s", show_default=True, help="Of its closes."),
        click.option("--market", required=True, help="Such as binance:BTC/USDT."),
    ):  # fmt: skip
        named = option(named)
    return named


@click.command()
@_version
@place_options
@_why
@state_option
@json_option
def promote(
    version: str, place: tuple[str, str, int], why: str, state: Path, *, as_json: bool
) -> None:
    """Make VERSION of the registered model the champion: it serves, whoever did.

    The next training may bring another champion; MODEL_RETRAIN_INTERVAL says when.
    """
    _change(place, version, why, state, as_json=as_json)


@click.command()
@place_options
@_why
@state_option
@json_option
def rollback(place: tuple[str, str, int], why: str, state: Path, *, as_json: bool) -> None:
    """Make the version champion that was it before the one that serves now."""
    _change(place, None, why, state, as_json=as_json)


@click.command()
@_version
@place_options
@_why
@state_option
@json_option
def retire(
    version: str, place: tuple[str, str, int], why: str, state: Path, *, as_json: bool
) -> None:
    """See to it that VERSION never serves again; a champion is rolled back first."""
    name, registry = named_model(place), opened_registry(state)
    with registry.roles() as roles:
        follows = roles.retire(name, version, _term(why))
    if as_json:
        report.print_json({"model": name, "retired": version, "champion": follows, "why": why})
    elif follows is None:
        click.echo(f"{name}: version {version} is retired")
    else:
        click.echo(f"{name}: version {version} is retired, {follows} serves; {_TAKEN_OVER}")


@click.command()
@click.argument("challenger")
@click.argument("champion")
@place_options
@state_option
@json_option
def compare(
    challenger: str, champion: str, place: tuple[str, str, int], state: Path, *, as_json: bool
) -> None:
    """Compare two versions on stored closes that neither was trained on.

    Said is how often each was right and how sure it was of what came (log loss), on the same rows,
    and what that proves of CHALLENGER.
    """
    from realtime_training.commands.models.comparison import compare_versions, print_comparison
    from realtime_training.datasets import load_stored
    from realtime_training.settings import load_all

    market, timeframe, _ = place
    data = load_stored(load_all(), state, *split_market(market), timeframe)
    name, registry = named_model(place), opened_registry(state)
    models = registry.model(name, challenger), registry.model(name, champion)
    compared = compare_versions(data, *models)
    if as_json:
        report.print_json({"model": name, **compared})
    else:
        print_comparison(name, compared)


COMMANDS = (compare, promote, rollback, retire)


def _change(
    place: tuple[str, str, int], version: str | None, why: str, state: Path, *, as_json: bool
) -> None:
    """Make a version champion, or with None who was it before, and tell so."""
    registry = opened_registry(state)
    with registry.roles() as roles:
        changed = roles.change(named_model(place), version, why)
    if as_json:
        report.print_json(msgspec.structs.asdict(changed))
    else:
        after = "" if changed.before is None else f", after {changed.before}"
        click.echo(f"{changed.model}: version {changed.champion} serves{after}; {_TAKEN_OVER}")


def named_model(place: tuple[str, str, int]) -> str:
    """Return the name of a registered model."""
    from predictor.registry.names import model_name

    return model_name(*place)


def _term(why: str) -> Term:
    from predictor.registry.roles import Term, now_ms

    return Term(now_ms(), why)


def opened_registry(state: Path) -> ModelRegistry:
    """Return the registry of a run's state folder, or of MLFLOW_TRACKING_URI."""
    from predictor.registry.mlflow import ModelRegistry
    from predictor.training.requests import registry_uri
    from realtime_training.settings import load_all

    return ModelRegistry(registry_uri(load_all().predictor.mlflow_tracking_uri, state))
