"""What the API answers, typed. Times are ms since 1970 in UTC; prices are in quote units."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Symbol(msgspec.Struct, frozen=True):
    """A market that is followed, how it is written in URLs, and its state."""

    market: str
    venue: str
    symbol: str
    path: str
    state: str


class ModelName(msgspec.Struct, frozen=True):
    """Which model made a prediction."""

    name: str
    version: str


class Candidate(msgspec.Struct, frozen=True):
    """What a candidate said: how likely up is, given a move, and its weight in what is served."""

    p_up: float
    weight: float
    model: str


class Prediction(msgspec.Struct, frozen=True):
    """What will become of the mid over a horizon: made at `made_at_ms`, judged at `for_ms`.

    The probabilities sum to 1, `expected_return` is a fraction, and `[low, high]` holds the price
    with probability `level`. `direction` is "abstain" where `reason` says why. `candidates` are
    those whose online average it is. `event_id` is where to go on following.
    """

    id: str
    timeframe: str
    horizon_ms: int
    made_at_ms: int
    for_ms: int
    mid: float
    predicted_price: float
    expected_return: float
    p_up: float
    p_flat: float
    p_down: float
    low: float
    high: float
    level: float
    direction: str
    reason: str | None
    model: ModelName
    latency_us: int | None
    candidates: dict[str, Candidate] = {}
    event_id: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of the prediction of this id; `inside` says whether the price was in its bounds."""

    id: str
    close_time_ms: int
    horizon_ms: int
    verdict: str
    realised_mid: float
    realised_return: float
    inside: bool
    event_id: str | None = None


class Missed(msgspec.Struct, frozen=True):
    """Events after one, about closes from `from_ms` on, are lost: the history has them."""

    after: str | None
    from_ms: int


type Told = Prediction | Outcome | Missed


class Verdict(msgspec.Struct, frozen=True):
    """What is proven of a horizon's predictions, by all outcomes of closes since `since_ms`.

    Anything false is said with a probability of `alpha` at most, however often it is looked at;
    `better` names the references that are proven to be better.
    """

    horizon_ms: int
    verdict: str
    better: list[str]
    log10_e: float
    alpha: float
    since_ms: int | None
    outcomes: int


class MarketPredictions(msgspec.Struct, frozen=True):
    """The newest predictions of a market by horizon, the shortest first, and what is proven."""

    symbol: str
    as_of_ms: int
    data_age_ms: int
    stale: bool
    stalled: bool
    predictions: list[Prediction]
    previews: list[Prediction]
    verdicts: list[Verdict] = []


class Judged(msgspec.Struct, frozen=True):
    """A prediction and what came of it; `verdict` is None until its moment has come."""

    id: str
    close_time_ms: int
    horizon_ms: int
    made_at_ms: int | None
    for_ms: int
    mid: float
    predicted_price: float
    expected_return: float
    p_up: float
    p_flat: float
    p_down: float
    low: float
    high: float
    level: float
    direction: str
    reason: str | None
    model_name: str
    model_version: str
    late: bool
    verdict: str | None
    realised_mid: float | None
    realised_return: float | None
    inside: bool | None


class Candle(msgspec.Struct, frozen=True):
    """A closed candle; it is `complete` where that is proven, and None where nobody can tell."""

    market: str
    timeframe: str
    open_time_ms: int
    close_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trade_count: int
    taker_buy_volume: float
    taker_buy_quote_volume: float
    bid: float | None = None
    ask: float | None = None
    complete: bool | None = True
    revision: int = 0


class Indicators(msgspec.Struct, frozen=True):
    """The indicators in use as of a close, by name, None while they warm up."""

    close_time_ms: int
    close: float
    complete: bool
    feature_set: str
    values: dict[str, float | None]


class Accuracy(msgspec.Struct, frozen=True):
    """How often predictions of a horizon at closes in `[from_ms, to_ms)` were right.

    The `accuracy` (0-1) is over `moved` rows, with its 95 % interval `low` to `high`, None where
    there are none; `coverage` is the share of prices within the bounds.
    """

    horizon_ms: int
    from_ms: int
    to_ms: int
    outcomes: int
    abstained: int
    flat: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    coverage: float
    versions: list[str]


def columns(rows: Iterable[msgspec.Struct]) -> dict[str, list[object]]:
    """Return rows of one kind as columns by name: what a DataFrame is made of."""
    found: dict[str, list[object]] = {}
    for row in rows:
        if not found:
            found = {name: [] for name in row.__struct_fields__}
        for name, column in found.items():
            column.append(msgspec.to_builtins(getattr(row, name)))
    return found
