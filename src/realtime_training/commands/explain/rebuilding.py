"""A prediction made anew: features from stored candles, answers from the registered model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marketstream.errors import InputError
from marketstream.explanation import Explanation, Terms
from marketstream.messages import Candle, Prediction
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.timeframes import timeframe_ms
from predictor.arena.guest import PREFIX
from predictor.explaining import take_apart
from predictor.serving.forecast import probability
from predictor.serving.rows import row_of
from predictor.training.calibration import log_odds_of
from predictor.training.fitting import TrainedModel
from realtime_training.settings import Settings
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet

AGREEMENT = 1e-9

type Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Whether something came out as it was stored, to 1e-9, and by how much it differs at most.

    `reason` says why it cannot be rebuilt, or what may be behind a difference.
    """

    equal: bool | None
    largest_difference: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What the model said: each candidate feature by feature, and how it agrees with the stored."""

    candidates: dict[str, Terms]
    rebuilt: Rebuilt


def rebuild_features(store: Store, told: Explanation, settings: Settings) -> Rebuilt:
    """Compute the features of a close from stored candles, and compare them."""
    if told.features is None:
        return Rebuilt(None, reason="cannot be rebuilt: the features are no longer stored")
    prediction = told.prediction
    market, timeframe = prediction.market, prediction.timeframe
    base = Plan((market,), timeframe, (1,), tuple(settings.candles.timeframes)).base
    groups = {name: tuple(markets) for name, markets in settings.plan.groups.items()}
    feature_set = FeatureSet(timeframe, base, settings.features, groups)
    if feature_set.version != prediction.feature_set:
        return Rebuilt(
            None,
            reason=f"cannot be rebuilt: feature set {prediction.feature_set} was computed, and "
            f"{feature_set.version} is configured now",
        )
    closed_ms = prediction.close_time_ms
    needed = feature_set.looked_back_on() + 1
    candles = _closed(store.last_candles(market, timeframe, needed, closed_ms))
    if not candles or candles[-1].close_time_ms != closed_ms:
        return Rebuilt(None, reason="cannot be rebuilt: the candle is no longer stored")
    from_ms = candles[0].open_time_ms
    base_candles = candles
    if base != timeframe:
        base_candles = _closed(store.candles(market, base, from_ms, closed_ms))
    lacking = (closed_ms - from_ms) // timeframe_ms(base) - len(base_candles)
    if lacking > 0 and not base_candles:
        return Rebuilt(None, reason=f"cannot be rebuilt: candles of {base} are no longer stored")
    group = next((markets for markets in groups.values() if market in markets), ())
    leaders = [
        _closed(store.candles(other, base, from_ms, closed_ms))
        for other in [each for each in group if each != market][: feature_set.leaders]
    ]
    beside = [
        _closed(store.last_candles(market, each.timeframe, each.settles + 2, closed_ms))
        for each in feature_set.beside
        if each.timeframe in feature_set.others
    ]
    table = feature_table(candles, base_candles, feature_set, leaders, beside)
    made = dict(zip(table.names, table.values[-1].tolist(), strict=True))
    largest = _largest_difference(made, told.features.values)
    reason = None
    if largest > AGREEMENT:
        rests_on = (candles, base_candles, *beside)
        revised = sum(candle.revision > 0 for series in rests_on for candle in series)
        reason = (
            f"of {needed:,} candles that it rests on {len(candles):,} are stored, {lacking:,} of "
            f"{base} are not, and {revised:,} were revised, perhaps since"
        )
    return Rebuilt(largest <= AGREEMENT, largest, reason)


def rebuild_answers(prediction: Prediction, values: Values, model: TrainedModel) -> Answers:
    """Ask a model again about the features of a prediction, and compare what each said.

    The weights are those that were served: they come from all outcomes before. InputError where
    the model is not the one that answered. What models from outside said is taken as it is: they
    are not here.
    """
    members = {each.model: each.candidate for each in model.members}
    said_by = {said.model for said in prediction.candidates.values()}
    unknown = {model for model in said_by if not model.startswith(PREFIX)} - members.keys()
    if unknown:
        raise InputError(f"version {model.version} has no {', '.join(sorted(unknown))}")
    taken, largest, up = {}, 0.0, 0.0
    for name, said in prediction.candidates.items():
        if said.model.startswith(PREFIX):
            log_odds = log_odds_of(said.p_up)
            taken[name] = Terms(log_odds, log_odds, None)
            up += said.weight * said.p_up
            continue
        candidate = members[said.model]
        p_up = probability(candidate, values)
        largest = max(largest, abs(p_up - said.p_up))
        up += said.weight * p_up
        taken[name] = take_apart(candidate, values)
    if prediction.candidates:
        moves = model.moves.probability_of(row_of(model.move_columns, values)[0])
        largest = max(
            largest,
            abs(moves * up - prediction.p_up),
            abs(moves * (1 - up) - prediction.p_down),
        )
    return Answers(taken, Rebuilt(largest <= AGREEMENT, largest))


def _closed(candles: list[Candle]) -> list[Candle]:
    return [candle for candle in candles if candle.state == "closed"]


def _largest_difference(made: Values, stored: Values) -> float:
    """Return by how much any feature differs, of its size where that is above 1."""
    return max((_difference(made[name], value) for name, value in stored.items()), default=0.0)


def _difference(made: float | None, stored: float | None) -> float:
    known = made is not None and made == made
    if stored is None or made is None or not known:
        return 0.0 if stored is None and not known else float("inf")
    return abs(made - stored) / max(1.0, abs(stored))
