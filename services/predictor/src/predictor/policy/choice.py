"""Which of the candidates of a training serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from predictor.settings import ModelSettings

_DIGITS = 9


def chosen(names: Sequence[str], scores: Mapping[str, float], model: ModelSettings) -> str:
    """Return the candidate with the least log loss on later rows; where none was judged, the first.

    So it is among those whose losses differ by rounding alone, as those of a reference and of a
    learner that adds nothing to it do.
    Where the settings make the learner binding, it is that one whatever the duel says, if its
    features are known.
    """
    if model.binding and model.type in names:
        return model.type
    return min(scores, key=lambda name: round(scores[name], _DIGITS)) if scores else names[0]
