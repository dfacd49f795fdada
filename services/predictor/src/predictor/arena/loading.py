"""From settings to models that take part; what cannot is refused at the start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean
from marketstream.plan import Plan
from marketstream.timeframes import horizon_ms
from predictor.arena.abstentions import Abstentions, guarded
from predictor.arena.entry_points import made
from predictor.arena.guest import Ask, Guest, identity
from predictor.arena.onnx_file import OnnxModel
from predictor.arena.settings import ArenaModelSettings
from predictor.learner_names import learner_names
from predictor.policy.average import AVERAGE
from predictor.training.candidates import REFERENCES

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_BASELINES = ("majority", "persistence", "reversal")


def guests(
    arena: Mapping[str, ArenaModelSettings],
    features: Sequence[str],
    plan: Plan,
    abstentions: Abstentions,
) -> tuple[Guest, ...]:
    """Return the models of the arena, in the order of the settings.

    `features` are those that models use. SettingsError names what cannot take part, and why.
    """
    return tuple(
        _guest(name, each, tuple(features), plan, abstentions) for name, each in arena.items()
    )


def _guest(
    name: str,
    settings: ArenaModelSettings,
    features: tuple[str, ...],
    plan: Plan,
    abstentions: Abstentions,
) -> Guest:
    _check_name(name)
    version, columns = settings.version, settings.features
    ask: Ask | None = None
    if settings.onnx is not None:
        file = OnnxModel(name, settings.onnx, columns)
        version, columns = file.version, list(file.features)
        ask = guarded(name, file.probabilities, abstentions)
    elif settings.python is not None:
        reads = features if columns is None else tuple(columns)
        _check_features(name, reads, features)
        model, columns, known_by = made(name, settings.python, reads, columns)
        version = f"{version}-{known_by}"
        ask = guarded(name, model.probabilities, abstentions)
    chosen = features if columns is None else tuple(columns)
    _check_features(name, chosen, features)
    return Guest(name, identity(name, version), chosen, _horizons_ms(name, settings, plan), ask)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or "_earlier_" in name:
        raise SettingsError(
            f"arena.{name}: a name is up to 40 small letters, digits and underscores, a letter "
            "first, without _earlier_"
        )
    if name in (AVERAGE, *REFERENCES, *_BASELINES, *learner_names()):
        raise SettingsError(f"arena.{name}: that is the name of a candidate already: take another")


def _check_features(name: str, chosen: Sequence[str], features: Sequence[str]) -> None:
    for each in chosen:
        if each not in features:
            raise SettingsError(
                f"arena.{name}: {each} is no feature that models use: "
                f"{did_you_mean(each, features)}add it to features in predictor/config.yaml, or "
                f"choose among {', '.join(features)}"
            )
    for each in chosen:
        if list(chosen).count(each) > 1:
            raise SettingsError(f"arena.{name}: the feature {each} is named twice")


def _horizons_ms(name: str, settings: ArenaModelSettings, plan: Plan) -> frozenset[int]:
    for horizon in settings.horizons:
        if horizon not in plan.horizons:
            raise SettingsError(
                f"arena.{name}: horizon {horizon} is not predicted: choose among "
                f"{', '.join(map(str, plan.horizons))}, or add it to the horizons"
            )
    return frozenset(horizon_ms(h, plan.timeframe) for h in settings.horizons or plan.horizons)
