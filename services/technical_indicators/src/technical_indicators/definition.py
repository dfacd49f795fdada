"""What a file in `own/` holds: an indicator defined by its streaming and its columnar form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from marketstream.columns import Floats


class StreamingForm(Protocol):
    """Fed candle by candle: `update` is given the inputs of one, in order, and returns a value.

    They are NumPy's floats, NaN where not known, so that a division by zero is what it is in
    columns. State is plain Python: a preview is taken of a deep copy.
    """

    @property
    def update(self) -> Callable[..., float | None]:
        """Fold the inputs of a closed candle; return the value as of its close, None for none."""
        ...


@dataclass(frozen=True, slots=True)
class Definition:
    """An indicator of one's own; its name is that of its file.

    `inputs` are columns of candles. `parameters` have their defaults: a whole number has to be 1 or
    more, and `ValueError` in `streaming` refuses others. `candles` says how many candles a value
    needs: there is none before, and one who begins so many candles ago says the same to 1e-9. All
    three callables are given the parameters by name; `columnar` has the inputs before them, as
    arrays, and returns an array as long. Values that are not finite are not known.
    """

    inputs: tuple[str, ...]
    candles: Callable[..., int]
    streaming: Callable[..., StreamingForm]
    columnar: Callable[..., Floats]
    parameters: Mapping[str, int | float] = field(default_factory=dict)
