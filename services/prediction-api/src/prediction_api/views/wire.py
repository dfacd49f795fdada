"""What the dashboard is sent of a market; rows there are many of travel as arrays."""

from __future__ import annotations

from typing import Literal

import msgspec

from marketstream.messages import Direction, MoveTarget, Verdict
from prediction_api.views.prediction_view import PredictionView


class CandleRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A candle as the chart draws it; `mid` is that of the close."""

    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    mid: float | None
    volume: float


class Point(msgspec.Struct, array_like=True, gc=False):
    """A prediction as the chart draws it; `verdict` is None until its moment has come."""

    close_time_ms: int
    for_ms: int
    mid: float
    predicted_price: float
    low: float
    high: float
    direction: Direction
    verdict: Verdict | None = None


type HopName = Literal["exchange", "prediction", "api"]


class Hop(msgspec.Struct, frozen=True):
    """Median and 99th percentile (nearest rank) of one part of the way to a readable prediction.

    `exchange` is from the close of a candle to the receipt of what closed it, by the clocks of
    both sides, so that it may be negative; `prediction` from there until the model has answered;
    `api` from there until the answer can be read.
    """

    name: HopName
    p50_us: int
    p99_us: int


class Latency(msgspec.Struct, frozen=True):
    """Median and 99th percentile (nearest rank) of the newest predictions' latencies.

    They are from the receipt of what closed the candle; `hops` are those of which it is known.
    """

    p50_us: int
    p99_us: int
    count: int
    hops: list[Hop]


class Predicted(msgspec.Struct, frozen=True):
    """A new prediction, and its point unless it came too late to be scored."""

    prediction: PredictionView
    point: Point | None


class Happened(msgspec.Struct, frozen=True):
    """What came of a prediction, to be put to its point."""

    horizon_ms: int
    close_time_ms: int
    verdict: Verdict
    realised_mid: float


class Foretold(msgspec.Struct, frozen=True):
    """That it was said anew how far a market will go."""

    target: MoveTarget


class MarketView(msgspec.Struct, frozen=True):
    """What is known of one market, the oldest first; `newest` and `previews` are by horizon."""

    timeframe_ms: int
    horizons_ms: tuple[int, ...]
    candles: list[CandleRow]
    forming: CandleRow | None
    points: dict[int, list[Point]]
    newest: dict[int, PredictionView]
    previews: dict[int, PredictionView]
