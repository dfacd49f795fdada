"""Order-flow imbalance over a span: what each close adds, summed, as a share of its size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_row import BaseRow
from technical_indicators.rolling import rolling_sum

type Added = tuple[float, float]
"""The flow of a close, and its size without the sign."""


def imbalance_of(
    rows: Sequence[BaseRow], closes: int, added: Callable[[BaseRow], Added | None]
) -> float | None:
    """Return it over the last closes, 0 where nothing changed, None where one is not known."""
    flow = size = 0.0
    for row in islice(reversed(rows), closes):
        of_row = added(row)
        if of_row is None:
            return None
        flow += of_row[0]
        size += of_row[1]
    return flow / size if size > 0 else 0.0


def imbalance_in(flow: Floats, size: Floats, closes: int) -> Floats:
    """Return it as of every row, NaN where one close is not known."""
    flows, sizes = rolling_sum(flow, closes), rolling_sum(size, closes)
    return np.where(sizes == 0, 0.0, flows / sizes)
