"""Adds up what came of predictions, for who was served and for each candidate, on the same rows.

What has been added up need not be read again: the figures of an hour, of a week, of an hour of the
day and of a version are all made of sums of ten minutes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import log
from typing import NamedTuple
from zlib import crc32

import msgspec
import numpy as np

from marketstream.messages import Candle, Outcome, Prediction
from marketstream.messages.score_sums import ScoreSums

SERVED = "served"
CONTROL = "control"
"""A coin that knows nothing: where it is not right in half of all moves, the scoring is wrong."""

BINS = 5  # of how sure somebody was, from a half to certain
FIELDS = (
    "outcomes",
    "abstained",
    "flat",
    "moved",
    "right",
    "close_moved",
    "close_right",
    "inside",
    "spoke",
    "log_loss",
    "brier",
    "gross_bps",
    "positions",
    "spread_bps",
    "spreads",
    "late_bps",
    "lates",
    *(f"{kind}_{number}" for kind in ("rows", "said", "came") for number in range(BINS)),
)
"""`spoke` are moves of which a probability was said, on which the losses are; `spreads` positions
whose spread is known, `lates` those whose price is that was there once the prediction was."""

PLACE = {name: place for place, name in enumerate(FIELDS)}
_BPS = 10_000.0
_SURE = 1e-6  # what is closer to 0 counts as this
_US_PER_MS = 1_000


class Name(NamedTuple):
    """Who said something about which horizon; `model` is its name and version."""

    horizon_ms: int
    candidate: str
    model: str


class _Sides(NamedTuple):
    """What somebody said: up (1), down (-1) or nothing (0), and how likely up is given a move."""

    side: int
    p_up: float | None


type Sums = dict[Name, list[float]]


def add_up(
    sums: Sums,
    predictions: Iterable[Prediction],
    outcomes: Iterable[Outcome],
    candles: Sequence[Candle],
) -> None:
    """Add what came of a champion's predictions that were in time, by who said what.

    `candles` are those of the finest timeframe, in order of time, a little beyond the last close:
    of their books are the spread as of a close, and the price once a prediction was there.
    """
    said = {
        (one.close_time_ms, one.horizon_ms): one
        for one in predictions
        if one.role == "champion" and not one.late
    }
    mids = _Mids(candles)
    for outcome in outcomes:
        prediction = said.get((outcome.close_time_ms, outcome.horizon_ms))
        if prediction is None or outcome.role != "champion" or outcome.late:
            continue
        spread_bps = mids.spread_bps(outcome.close_time_ms)
        late_return = mids.late_return(prediction, outcome)
        for (candidate, model), sides in _sides(prediction).items():
            name = Name(outcome.horizon_ms, candidate, model)
            row = sums.get(name)
            if row is None:
                row = sums[name] = [0.0] * len(FIELDS)
            _add(row, sides, outcome, spread_bps, late_return)
            row[PLACE["inside"]] += candidate == SERVED and outcome.inside


def packed_sums(sums: Sums, market: str, timeframe: str, from_ms: int, to_ms: int) -> ScoreSums:
    """Return sums as they are stored."""
    names = sorted(sums)
    rows = np.array([sums[name] for name in names], "<f8")
    return ScoreSums(
        market, timeframe, from_ms, to_ms, msgspec.json.encode(names).decode(), rows.tobytes()
    )


def _sides(prediction: Prediction) -> dict[tuple[str, str], _Sides]:
    version = prediction.model_version
    moves = prediction.p_up + prediction.p_down
    p_up = prediction.p_up / moves if moves else None
    side = {"up": 1, "down": -1}.get(prediction.direction, 0)
    coin = crc32(b"%d %d" % (prediction.close_time_ms, prediction.horizon_ms)) & 1
    found = {
        (SERVED, f"{prediction.model_name}:{version}"): _Sides(side, p_up),
        (CONTROL, CONTROL): _Sides(2 * coin - 1, 0.5),
    }
    for name, one in prediction.candidates.items():
        found[name, one.model] = _Sides((one.p_up > 0.5) - (one.p_up < 0.5), one.p_up)
    return found


def _add(
    row: list[float],
    said: _Sides,
    outcome: Outcome,
    spread_bps: float | None,
    late_return: float | None,
) -> None:
    place, came = PLACE, outcome.realised_return
    row[place["outcomes"]] += 1
    if said.side == 0:
        row[place["abstained"]] += 1
    elif came == 0:
        row[place["flat"]] += 1
    else:
        row[place["moved"]] += 1
        row[place["right"]] += said.side * came > 0
    if said.side:
        if outcome.close_return:
            row[place["close_moved"]] += 1
            row[place["close_right"]] += said.side * outcome.close_return > 0
        row[place["gross_bps"]] += _BPS * said.side * came
        row[place["positions"]] += 1
        if spread_bps is not None:
            row[place["spread_bps"]] += spread_bps
            row[place["spreads"]] += 1
        if late_return is not None:
            row[place["late_bps"]] += _BPS * said.side * late_return
            row[place["lates"]] += 1
    if said.p_up is not None and came:
        is_up = came > 0
        sure = max(said.p_up, 1 - said.p_up)
        held = min(BINS - 1, int(2 * BINS * (sure - 0.5)))
        row[place["spoke"]] += 1
        row[place["log_loss"]] -= log(max(_SURE, said.p_up if is_up else 1 - said.p_up))
        row[place["brier"]] += (said.p_up - is_up) ** 2
        row[place["rows_0"] + held] += 1
        row[place["said_0"] + held] += sure
        row[place["came_0"] + held] += is_up if said.p_up >= 0.5 else not is_up


class _Mids:
    """The books as of the closes of the finest candles."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        known = [one for one in candles if one.state == "closed" and one.mid]
        self._times = [one.close_time_ms for one in known]
        self._candles = known

    def spread_bps(self, close_ms: int) -> float | None:
        """Return the spread as of a close, None where nobody knows it."""
        place = bisect_left(self._times, close_ms)
        if place == len(self._times) or self._times[place] != close_ms:
            return None
        candle = self._candles[place]
        assert candle.ask is not None
        assert candle.bid is not None
        assert candle.mid is not None
        return _BPS * (candle.ask - candle.bid) / candle.mid

    def late_return(self, prediction: Prediction, outcome: Outcome) -> float | None:
        """Return what the price did from the first close at which the prediction was there."""
        if prediction.latency_us is None or not outcome.realised_mid:
            return None
        there_ms = prediction.close_time_ms + max(1, -(-prediction.latency_us // _US_PER_MS))
        place = bisect_left(self._times, there_ms)
        if place == len(self._times) or self._times[place] >= prediction.for_ms:
            return None
        mid = self._candles[place].mid
        return None if not mid else log(outcome.realised_mid / mid)
