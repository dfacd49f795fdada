"""`realtime indicators`: descriptions of indicators, as objects and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import click
import msgspec

from realtime_training.settings import load_all
from technical_indicators.accepted import in_words
from technical_indicators.description import describe, describe_all
from technical_indicators.feature_set import FeatureSet


def listed() -> dict[str, Any]:
    """Return what all indicators are that can be configured."""
    return {"indicators": [msgspec.to_builtins(each, str_keys=True) for each in describe_all()]}


def one(name: str) -> dict[str, Any]:
    """Return what one indicator is, and how it is written into `config.yaml`."""
    found = describe(name)
    return {
        **msgspec.to_builtins(found, str_keys=True),
        "kept": found.kept,
        "yaml": _yaml(found.name, {each.name: each.default for each in found.parameters}),
    }


def computed() -> dict[str, Any]:
    """Return the features that the configuration computes, and which of them models use."""
    settings = load_all()
    plan = settings.plan
    feature_set = FeatureSet(plan.timeframe, plan.base_timeframe, settings.features)
    entries = {
        name: entry
        for entry, made in zip(settings.features.indicators, feature_set.configured, strict=True)
        for name in made
    }
    beside = {name: each.timeframe for each in feature_set.beside for name in each.names}
    used = set(settings.predictor.features)
    return {
        "timeframe": plan.timeframe,
        "base_timeframe": plan.base_timeframe,
        "feature_set": feature_set.version,
        "candles_kept": feature_set.candles_needed(),
        "features": [
            {
                "name": name,
                "indicator": entries.get(name),
                "beside": beside.get(name),
                "used_by_models": name in used,
            }
            for name in feature_set.names
        ],
    }


def print_listed(found: Mapping[str, Any]) -> None:
    """Print a line for each indicator, by family."""
    every = found["indicators"]
    width = max(len(each["name"]) for each in every)
    for number, (family, some) in enumerate(groupby(_in_order(every), key=_family)):
        click.echo(f"{'' if number == 0 else chr(10)}{family}")
        for each in some:
            parameters = ", ".join(map(_parameter, each["parameters"])) or "no parameters"
            click.echo(
                f"  {each['name']:<{width}} {each['candles']:>4}  {each['meaning']}; "
                f"of {', '.join(each['inputs'])}; {parameters} -> {', '.join(each['outputs'])}"
            )
    click.echo(f"\n{len(every)} indicators; `realtime indicators NAME` says more of one.")


def print_one(found: Mapping[str, Any]) -> None:
    """Print what one indicator is, a fact a line, and its yaml."""
    click.echo(f"{found['name']}: {found['meaning']} ({found['family']})\n")
    candles = "of each of the finest candles" if found["of_base"] else "of each candle"
    click.echo(f"reads       {', '.join(found['inputs'])} {candles}")
    for number, each in enumerate(found["parameters"]):
        click.echo(f"{'parameters' if number == 0 else '':<11} {_parameter(each)}")
        for kind, meaning in each["kinds"].items():
            click.echo(f"{'':<13} {kind:>2}  {meaning}")
    click.echo(f"features    {', '.join(found['outputs'])}")
    click.echo(
        f"candles     the first value comes with number {found['candles']}; {found['kept']} are "
        "kept to begin anew with"
    )
    click.echo(f"source      {found['source']}\n")
    click.echo("In services/technical_indicators/config.yaml, under indicators:\n")
    click.echo(f"  - {found['yaml']}")
    if not found["of_base"]:
        click.echo(
            "\nUnder beside: it is of candles of another timeframe, as of the newest that had "
            "closed, and its features end in it:\n"
        )
        click.echo(f"  1m: [{_braced(found['yaml'])}]")
    if found["parameters"]:
        click.echo(
            "\nParameters that are left out have these values; those that are written become part "
            "of the features' names."
        )


def print_computed(found: Mapping[str, Any]) -> None:
    """Print a line for each feature: its name, the entry it comes from, whether models use it."""
    every = found["features"]
    width = max(len(each["name"]) for each in every)
    for each in every:
        entry = "spans" if each["indicator"] is None else _entry(each["indicator"])
        if each["beside"] is not None:
            entry = f"beside, of candles of {each['beside']}"
        used = "used by models" if each["used_by_models"] else ""
        click.echo(f"{each['name']:<{width}}  {entry:<36}  {used}".rstrip())
    click.echo(
        f"\n{len(every)} features at every close of {found['timeframe']}, over candles of "
        f"{found['base_timeframe']}; feature set {found['feature_set']}, "
        f"{found['candles_kept']} candles kept."
    )


def _in_order(every: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(every, key=lambda each: (_family(each), each["name"]))


def _family(each: Mapping[str, Any]) -> str:
    return str(each["family"])


def _parameter(each: Mapping[str, Any]) -> str:
    least, most = each["least"], each["most"]
    bounds = "" if least is None and most is None else f" ({in_words(least, most)})"
    return f"{each['name']}={each['default']:g}{bounds}"


def _entry(entry: str | Mapping[str, Mapping[str, float]]) -> str:
    if isinstance(entry, str):
        return entry
    [(name, parameters)] = entry.items()
    return _yaml(name, parameters)


def _braced(yaml: str) -> str:
    return f"{{{yaml}}}" if ":" in yaml else yaml


def _yaml(name: str, parameters: Mapping[str, float]) -> str:
    inner = ", ".join(f"{each}: {value:g}" for each, value in parameters.items())
    return f"{name}: {{{inner}}}" if inner else name
