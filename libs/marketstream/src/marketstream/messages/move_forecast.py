"""How far a model said the price will go."""

from __future__ import annotations

from typing import Literal

import msgspec

type MoveTarget = Literal["volatility", "range"]
type MovePrice = Literal["mid", "close"]


class MoveForecast(msgspec.Struct, frozen=True, gc=False):
    """What was said at a close of how far the price will go within `horizon_ms`.

    The target `volatility` is the realised variance of the price over the horizon, the sum of its
    squared log returns from close to close; `range` the log of its highest over its lowest price.
    It begins `label_latency_ms` after the close. `price` says of which price: the mid of the book,
    or of candles of a minute and longer the close. `mean` is the expectation, `quantiles` are those
    at 5, 10, ... 95 %; there are none until a model has been fitted, and by then `model_name` is
    the baseline that serves meanwhile. `baselines` holds the means that others said on the same
    row; `floor` is what counts where nothing moved.

    The first writing of an identity wins. Who publishes it says when it was made, how long after
    the receipt of what closed the candle, and whether that was `late`, as of a prediction.
    """

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    target: MoveTarget
    model_name: str
    model_version: str
    price: MovePrice
    label_latency_ms: int
    mean: float
    quantiles: tuple[float, ...]
    baselines: dict[str, float]
    floor: float | None = None
    made_at_ms: int | None = None
    latency_us: int | None = None
    late: bool = False

    @property
    def identity(self) -> tuple[str, str, int, int, str]:
        """Market, timeframe, close time, horizon and target."""
        return (self.market, self.timeframe, self.close_time_ms, self.horizon_ms, self.target)

    @property
    def id(self) -> str:
        """The identity as one string."""
        return ":".join(str(part) for part in self.identity)

    @property
    def for_ms(self) -> int:
        """The moment up to which the forecast is."""
        return self.close_time_ms + self.label_latency_ms + self.horizon_ms
