"""All that the store knows of one prediction: what it was made of, who said what, what came of it.

A prediction is named by its id, `binance:BTC/USDT:1s:1795793280000:2000:champion:7`: market,
timeframe, close, horizon, role and version.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import msgspec

from marketstream.errors import InputError, SettingsError
from marketstream.messages import Candle, Features, Model, Outcome, Prediction
from marketstream.store.port import EVER_MS, Store
from marketstream.timeframes import timeframe_ms

_NEAR_MS = 3_600_000


class Identity(NamedTuple):
    """The parts of an id."""

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    role: str
    version: str


class Moments(msgspec.Struct, frozen=True):
    """When what happened, in the market's time: the close, the answer, its start and its end.

    `latency_us` is from the receipt of what closed the candle to the answer, None where nobody
    watched.
    """

    closed_ms: int
    made_at_ms: int | None
    latency_us: int | None
    starts_ms: int
    ends_ms: int


class Terms(msgspec.Struct, frozen=True):
    """A candidate's log odds of up, given a move: `base` and what each feature adds sum to it.

    `features` is None of a kind of model that cannot be taken apart.
    """

    log_odds: float
    base: float
    features: dict[str, float] | None


class Explanation(msgspec.Struct, frozen=True):
    """A prediction with what it follows from; `missing` says of what is None why it is.

    The candle is the one that closed, with the book as of then; `p_up` is what was served, given
    that the price moves: the mean of what the prediction's candidates said, by their weights.
    `contributions` say of each candidate what each feature added.
    """

    id: str
    prediction: Prediction
    p_up: float | None
    moments: Moments
    candle: Candle | None
    features: Features | None
    model: Model | None
    outcome: Outcome | None
    missing: dict[str, str]
    contributions: dict[str, Terms] | None = None


type TakeApart = Callable[[Explanation], Awaitable[Mapping[str, Terms]]]
"""Says of each candidate what each feature added, out of the model; InputError or StateError where
that cannot be said."""


def identity_of(prediction_id: str) -> Identity:
    """Return the parts of an id; InputError for what is none."""
    try:
        market, timeframe, close_ms, horizon_ms, role, version = prediction_id.rsplit(":", 5)
        timeframe_ms(timeframe)
        times_ms = _storable_ms(close_ms), _storable_ms(horizon_ms)
        return Identity(market, timeframe, *times_ms, role, version)
    except (ValueError, SettingsError) as error:
        raise InputError(
            f"{prediction_id!r} is no id of a prediction: it is written "
            "binance:BTC/USDT:1s:1795793280000:2000:champion:7"
        ) from error


def read_explanation(store: Store, prediction_id: str) -> Explanation | None:
    """Return what the store knows of a prediction; None where it has none of the id."""
    wanted = identity_of(prediction_id)
    market, timeframe, close_ms = wanted[:3]
    at = (market, timeframe, close_ms, close_ms + 1)
    prediction = next((p for p in store.predictions(*at) if p.identity == wanted), None)
    if prediction is None:
        return None
    opened = (market, timeframe, close_ms - timeframe_ms(timeframe), close_ms)
    candle = next((c for c in store.candles(*opened) if c.close_time_ms == close_ms), None)
    features = next(
        (f for f in store.features(*at) if f.feature_set == prediction.feature_set), None
    )
    outcome = next((o for o in store.outcomes(*at) if o.identity == wanted), None)
    model = _model(store, wanted)
    reasons = {
        "candle": (candle, "it is no longer stored"),
        "features": (features, "they are no longer stored"),
        "model": (model, "nobody announced its version"),
        "outcome": (outcome, "its moment has not come, or nothing was there to measure it by"),
    }
    moves = prediction.p_up + prediction.p_down
    return Explanation(
        id=prediction.id,
        prediction=prediction,
        p_up=prediction.p_up / moves if moves else None,
        moments=Moments(
            closed_ms=close_ms,
            made_at_ms=prediction.made_at_ms,
            latency_us=prediction.latency_us,
            starts_ms=close_ms + prediction.label_latency_ms,
            ends_ms=prediction.for_ms,
        ),
        candle=candle,
        features=features,
        model=model,
        outcome=outcome,
        missing={name: why for name, (found, why) in reasons.items() if found is None},
    )


def _model(store: Store, wanted: Identity) -> Model | None:
    """Return the model as it was announced last before the close, or later where it was late.

    Models that began to serve about then are read first: of months there are very many.
    """
    close_ms = wanted.close_time_ms

    def announced(from_ms: int, to_ms: int) -> list[Model]:
        return [
            model
            for model in store.models(wanted.market, from_ms, to_ms)
            if (model.timeframe, model.horizon_ms, model.version)
            == (wanted.timeframe, wanted.horizon_ms, wanted.version)
        ]

    until_ms, length_ms = close_ms + 1, _NEAR_MS
    while until_ms > 0:
        from_ms = max(0, until_ms - length_ms)
        if before := announced(from_ms, until_ms):
            return before[-1]
        until_ms, length_ms = from_ms, 8 * length_ms
    return next(iter(announced(close_ms + 1, EVER_MS)), None)


def _storable_ms(text: str) -> int:
    time_ms = int(text)
    if not 0 <= time_ms < EVER_MS:
        raise ValueError(f"{time_ms} is no time of a prediction")
    return time_ms
