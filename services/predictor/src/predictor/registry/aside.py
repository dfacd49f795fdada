"""The models' registry asked once, in a process of its own: its client is large, and slow to load.

This module imports nothing heavy, so that the process can see to it first that it stays out of the
way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from threading import Event
from typing import TYPE_CHECKING, Any

from marketstream.champions import ChampionChanged
from marketstream.child import Child
from marketstream.errors import InputError, NotFoundError, StateError

if TYPE_CHECKING:
    from predictor.registry.mlflow import ModelRegistry
    from predictor.training.fitting import TrainedModel

_POLITENESS = 10  # of `nice`: the market's data comes first
_WITHIN_S = 60.0
_LOOK_S = 0.1  # whether anybody still waits


def model_aside(given_up: Event, uri: str, name: str, version: str) -> TrainedModel:
    """Return a version of a registered model, after some seconds.

    InputError where there is none, StateError where the registry cannot be asked, or it was given
    up.
    """
    found: TrainedModel = _asked(given_up, uri, _model, name, version)
    return found


def champion_aside(
    given_up: Event, uri: str, name: str, version: str | None, why: str
) -> ChampionChanged:
    """Promote a version, or with None roll back, and return what changed, after some seconds.

    InputError where that cannot be, NotFoundError where there is none of the name, StateError where
    the registry cannot be asked. Where it was given up on the way, whoever looks next ends it.
    """
    changed: ChampionChanged = _asked(given_up, uri, _change, name, version, why)
    return changed


def _asked(given_up: Event, uri: str, ask: Callable[..., Any], *arguments: Any) -> Any:
    if given_up.is_set():
        raise StateError("nobody waits any more for what the registry says")
    try:
        child = Child("registry", _answer, uri, ask, arguments)
    except OSError as error:  # of processes, files or memory there are no more
        raise StateError(f"no process can be started to ask the registry: {error}") from error
    try:
        _wait(child.connection, given_up)
        found = child.connection.recv()
    except (EOFError, OSError) as error:
        raise StateError("the process that asks the registry ended: try again") from error
    finally:
        child.stop()
    if isinstance(found, Exception):
        raise found
    return found


def _wait(connection: Connection, given_up: Event) -> None:
    """Wait for an answer; StateError where it takes too long, or nobody waits for it any more."""
    until_s = time.monotonic() + _WITHIN_S
    while not connection.poll(_LOOK_S):
        if given_up.is_set():
            raise StateError("nobody waits any more for what the registry says")
        if time.monotonic() > until_s:
            raise StateError(
                f"the registry has not answered within {_WITHIN_S:g} s: see what it does"
            )


def _model(registry: ModelRegistry, name: str, version: str) -> TrainedModel:
    return registry.model(name, version)


def _change(registry: ModelRegistry, name: str, version: str | None, why: str) -> ChampionChanged:
    with registry.roles() as roles:
        return roles.change(name, version, why)


def _answer(
    connection: Connection, uri: str, ask: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and LightGBM are imported
    os.nice(_POLITENESS)
    from predictor.registry.mlflow import ModelRegistry

    try:
        connection.send(ask(ModelRegistry(uri), *arguments))
    except NotFoundError as error:
        connection.send(NotFoundError(str(error)))
    except InputError as error:
        connection.send(InputError(str(error)))
    except Exception as error:  # noqa: BLE001 - whatever it is, who asked is told
        connection.send(StateError(f"the registry cannot be asked: {error}"))
