"""The predictor's own copies of models, to go on with while their registry is away.

In a folder for each registered model: `champion.json`, what served last, and for each model that
waits to be registered a file named by when it was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from loguru import logger

from marketstream.errors import InputError
from predictor.registry import native
from predictor.registry.names import model_name
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainedOn

_CHAMPION = "champion.json"
_MOST_WAITING = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A model that is to be registered, with all that is said of it there."""

    model: TrainedModel
    trained_on: TrainedOn
    parameters: Mapping[str, object]

    @property
    def name(self) -> str:
        """What it will be registered as."""
        on = self.trained_on
        return model_name(on.market, on.timeframe, self.model.horizon_ms)


class _WaitingFile(msgspec.Struct, frozen=True):
    trained_on: TrainedOn
    parameters: dict[str, object]
    model: str


class _ChampionFile(msgspec.Struct, frozen=True):
    feature_set: str
    model: str
    trained_on: TrainedOn | None = None
    parameters: dict[str, object] = {}


def kept_champions(
    folder: Path, names: Mapping[int, str], feature_set: str
) -> dict[int, TrainedModel]:
    """Return what served last by horizon, given the registered names; it may be out of date.

    What cannot be read is said in the log.
    """
    local = LocalModels(folder, waiting=False)
    kept = {h: local.champion(name, feature_set) for h, name in names.items()}
    for complaint in local.complaints():
        logger.warning("Not kept of an earlier start", reason=complaint)
    return {horizon_ms: model for horizon_ms, model in kept.items() if model is not None}


class LocalModels:
    """Models in a folder; what cannot be written there is kept in memory as far as it waits.

    At most 200 wait: with one more, the one that was trained first is given up.
    """

    def __init__(self, folder: Path, *, waiting: bool = True) -> None:
        self._folder = folder
        self._waiting: dict[tuple[int, str], Waiting] = {}
        self._unwritten: set[Path] = set()
        self._complaints: list[str] = []
        for path in sorted(folder.glob("*/*.json")) if waiting else ():
            if path.name != _CHAMPION:
                self._read(path)

    def complaints(self) -> tuple[str, ...]:
        """Return what could not be read, written or kept since the last call."""
        complaints, self._complaints = tuple(self._complaints), []
        return complaints

    def waiting(self) -> list[Waiting]:
        """Return what waits to be registered, what was trained first before the rest.

        What another process has registered out of the same folder waits no more.
        """
        for key, waiting in list(self._waiting.items()):
            path = self._path_of(waiting)
            if path not in self._unwritten and not path.exists():
                del self._waiting[key]
        return [self._waiting[key] for key in sorted(self._waiting)]

    def wait(self, waiting: Waiting) -> None:
        """Keep a model until it is registered; see `registered`."""
        self._waiting[waiting.model.trained_at_ms, waiting.name] = waiting
        file = _WaitingFile(
            waiting.trained_on, dict(waiting.parameters), native.dump(waiting.model).decode()
        )
        self._write(self._path_of(waiting), msgspec.json.encode(file))
        if len(self._waiting) > _MOST_WAITING:
            first = self.waiting()[0]
            self._complaints.append(f"{first.name}: {first.model.version} waited too long")
            self.registered(first)

    def registered(self, waiting: Waiting) -> None:
        """Forget a model that waited."""
        self._waiting.pop((waiting.model.trained_at_ms, waiting.name), None)
        path = self._path_of(waiting)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._complaints.append(f"{path}: cannot be removed ({error.strerror})")

    def keep_champion(
        self, name: str, feature_set: str, model: TrainedModel, waiting: Waiting | None = None
    ) -> None:
        """Keep what serves under a registered name, with what would be said of it to a registry."""
        text = native.dump(model).decode()
        file = _ChampionFile(feature_set, text)
        if waiting is not None:
            file = _ChampionFile(feature_set, text, waiting.trained_on, dict(waiting.parameters))
        self._write(self._folder / name / _CHAMPION, msgspec.json.encode(file))

    def champion(self, name: str, feature_set: str) -> TrainedModel | None:
        """Return what served last; None where nothing did, or it was of other features."""
        found = self._read_champion(name, feature_set)
        return None if found is None else found[0]

    def champion_to_register(self, name: str, feature_set: str) -> Waiting | None:
        """Return what served last with all that a registry is told; None where that is not kept."""
        found = self._read_champion(name, feature_set)
        if found is None or found[1].trained_on is None:
            return None
        return Waiting(found[0], found[1].trained_on, found[1].parameters)

    def _read_champion(
        self, name: str, feature_set: str
    ) -> tuple[TrainedModel, _ChampionFile] | None:
        path = self._folder / name / _CHAMPION
        try:
            file = msgspec.json.decode(path.read_bytes(), type=_ChampionFile)
            if file.feature_set != feature_set:
                return None
            return native.load(file.model.encode()), file
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, InputError) as error:
            self._complaints.append(f"{path}: cannot be read ({error})")
            return None

    def _read(self, path: Path) -> None:
        try:
            file = msgspec.json.decode(path.read_bytes(), type=_WaitingFile)
            waiting = Waiting(native.load(file.model.encode()), file.trained_on, file.parameters)
        except (OSError, msgspec.MsgspecError, InputError) as error:
            self._complaints.append(f"{path}: cannot be read ({error}), and is not registered")
        else:
            self._waiting[waiting.model.trained_at_ms, waiting.name] = waiting

    def _path_of(self, waiting: Waiting) -> Path:
        return self._folder / waiting.name / f"{waiting.model.trained_at_ms}.json"

    def _write(self, path: Path, content: bytes) -> None:
        written = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            written.write_bytes(content)
            written.replace(path)
        except OSError as error:
            self._unwritten.add(path)
            self._complaints.append(f"{path}: cannot be written ({error.strerror})")
