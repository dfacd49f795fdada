"""What each feature added to a prediction, asked of the model that made it, for the API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from marketstream.errors import InputError
from marketstream.explanation import Explanation, Terms
from predictor.registry.aside import model_aside
from predictor.registry.local import LocalModels
from predictor.registry.names import model_name
from predictor.training.fitting import TrainedModel
from realtime_training.commands.explain.rebuilding import rebuild_answers
from realtime_training.one_by_one import OneByOne

_KEPT = 8  # models: of each horizon what serves, and a few before


class ModelsAsked:
    """Asks the predictor's own copy of what serves, or else the registry, one after the other."""

    def __init__(self, state: Path, uri: str) -> None:
        self._state = state
        self._uri = uri
        self._models: OrderedDict[tuple[str, str], TrainedModel] = OrderedDict()
        self._turns = OneByOne("too many predictions are taken apart at once: ask again")

    async def __call__(self, told: Explanation) -> Mapping[str, Terms]:
        """Return what each feature added, by candidate.

        InputError where nobody can say: the features are gone, or the model is, or it answers
        otherwise than it did. StateError where the registry is out of reach.
        """
        return await self._turns.do(self._terms, told)

    def _terms(self, given_up: Event, told: Explanation) -> Mapping[str, Terms]:
        if told.features is None:
            raise InputError("the features are no longer stored")
        model = self._model(given_up, told)
        answers = rebuild_answers(told.prediction, told.features.values, model)
        if not answers.rebuilt.equal:
            raise InputError(
                f"version {model.version} answers otherwise than it did, by "
                f"{answers.rebuilt.largest_difference:.1e}"
            )
        return answers.candidates

    def _model(self, given_up: Event, told: Explanation) -> TrainedModel:
        said = told.prediction
        name = model_name(said.market, said.timeframe, said.horizon_ms)
        wanted = (name, said.model_version)
        if wanted not in self._models:
            kept = LocalModels(self._state / "models", waiting=False)
            model = kept.champion(name, said.feature_set)
            if model is None or model.version != said.model_version:
                model = model_aside(given_up, self._uri, *wanted)
            self._models[wanted] = model
            while len(self._models) > _KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(wanted)
        return self._models[wanted]
