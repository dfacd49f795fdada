"""What a learner is: a way to fit, what can be set of it, and the form its models are kept in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import msgspec

from marketstream.columns import Flags, Floats
from predictor.models.parts.hyperparameters import Hyperparameter, Range, checked


class Classifier(Protocol):
    """Says how likely something is, row by row."""

    def probability(self, rows: Floats) -> Floats:
        """Return a probability in (0, 1) per row; NaN in a row means not known."""
        ...

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the probability of one row: what serving asks for."""
        ...


type Fit = Callable[[Floats, Flags, Mapping[str, float]], Classifier]


@dataclass(frozen=True, slots=True)
class Form:
    """How models of one class are written as JSON and read again, bit for bit.

    `kind` tells forms apart. `read` raises ValueError, or what msgspec does, for what is no such
    model.
    """

    kind: str
    made: type
    write: Callable[[Any], dict[str, Any]]
    read: Callable[[dict[str, Any]], Classifier]


def plain_form(kind: str, made: type) -> Form:
    """Return the form of a dataclass of plain numbers: its fields."""
    return Form(kind, made, asdict, lambda written: msgspec.convert(written, made))


@dataclass(frozen=True, slots=True)
class Learner:
    """A learner by name; calling it fits a classifier to rows and whether each went up.

    `fit` is given all hyperparameters, checked. Rows may hold NaN. The same rows have to give the
    same model, on one thread, and the model has to pickle: training runs in another process.
    `space` is what a search tries.
    """

    name: str
    fit: Callable[[Floats, Flags, dict[str, int | float]], Classifier]
    hyperparameters: Mapping[str, Hyperparameter]
    space: Mapping[str, Range]
    form: Form

    def __call__(self, rows: Floats, up: Flags, given: Mapping[str, float]) -> Classifier:
        """Return a fitted classifier; SettingsError for hyperparameters that make no sense."""
        return self.fit(rows, up, self.checked(given))

    def checked(self, given: Mapping[str, float]) -> dict[str, int | float]:
        """Return all hyperparameters, those given over the defaults, or raise SettingsError."""
        return checked(self.name, self.hyperparameters, given)
