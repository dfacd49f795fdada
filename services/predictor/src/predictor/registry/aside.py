"""The models' registry asked once, in a process of its own: its client is large, and slow to load.

This module imports nothing heavy, so that the process can see to it first that it stays out of the
way.
"""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from marketstream.child import Child
from marketstream.errors import InputError, StateError

if TYPE_CHECKING:
    from predictor.training.fitting import TrainedModel

_POLITENESS = 10  # of `nice`: the market's data comes first
_WITHIN_S = 60.0


def model_aside(uri: str, name: str, version: str, within_s: float = _WITHIN_S) -> TrainedModel:
    """Return a version of a registered model, after some seconds.

    InputError where there is none, StateError where the registry cannot be asked.
    """
    child = Child("registry", _read, uri, name, version)
    try:
        if not child.connection.poll(within_s):
            raise StateError(
                f"the registry has not answered within {within_s:g} s: see what it does"
            )
        found: TrainedModel | Exception = child.connection.recv()
    except (EOFError, OSError) as error:
        raise StateError("the process that asks the registry ended: try again") from error
    finally:
        child.stop()
    if isinstance(found, Exception):
        raise found
    return found


def _read(connection: Connection, uri: str, name: str, version: str) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and LightGBM are imported
    os.nice(_POLITENESS)
    from predictor.registry.mlflow import ModelRegistry

    try:
        connection.send(ModelRegistry(uri).model(name, version))
    except InputError as error:
        connection.send(InputError(str(error)))
    except Exception as error:  # noqa: BLE001 - whatever it is, who asked is told
        connection.send(StateError(f"the registry cannot be asked: {error}"))
