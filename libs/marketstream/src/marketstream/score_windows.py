"""How good everybody was in the last hour, day and week and in all, out of stored sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from marketstream.columns import Floats, Times
from marketstream.messages.score_sums import ScoreSums
from marketstream.score_sums import BINS, FIELDS, PLACE, Name
from marketstream.timeframes import timeframe_ms
from marketstream.track_record import accuracy_of
from marketstream.uncertainty import FEWEST_BLOCKS, wilson

type Window = Literal["hour", "day", "week", "all"]

_HOUR_MS = 3_600_000
WINDOWS_MS: dict[Window, int | None] = {
    "hour": _HOUR_MS, "day": 24 * _HOUR_MS, "week": 7 * 24 * _HOUR_MS, "all": None,
}  # fmt: skip


class WindowScore(msgspec.Struct, frozen=True):
    """How good one was in a window; shares are 0-1, None where nothing was counted.

    The `accuracy` is over `moved` rows, whose price moved and where a direction was said, with its
    95 % interval at `effective` independent rows; `close_accuracy` is the same by the last trade's
    price, which bounces. Losses are of the probability of up on all rows that moved;
    `calibration_error` is how far, on average, it was from how often what was said came. A position
    in each direction said earned `gross_bps` on average from mid to mid, `late_bps` where it began
    at the first base candle's close at which the prediction was there, and `net_bps` is that less
    the spread and the fee. `coverage` is of what was served alone: no other has bounds.
    """

    candidate: str
    model: str | None
    outcomes: int
    abstained: int
    flat: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    close_accuracy: float | None
    coverage: float | None
    log_loss: float | None
    brier: float | None
    calibration_error: float | None
    gross_bps: float | None
    late_bps: float | None
    net_bps: float | None


class HourScore(msgspec.Struct, frozen=True):
    """How often what was served was right in an hour of the day, in UTC."""

    hour: int
    moved: int
    accuracy: float | None
    low: float | None
    high: float | None


class HorizonScores(msgspec.Struct, frozen=True):
    """The scores of a horizon by window, what was served first; and by hour of the day, in all."""

    horizon_ms: int
    windows: dict[str, list[WindowScore]]
    hours_of_day: list[HourScore]


class RollingScores(msgspec.Struct, frozen=True):
    """What came of a market's predictions at closes in `[from_ms, until_ms)`, both None for none.

    Windows end at `until_ms`: stretches of ten minutes are counted once all their outcomes have
    come. `fee_bps` is what positions on paper pay beside the spread.
    """

    market: str
    timeframe: str
    from_ms: int | None
    until_ms: int | None
    fee_bps: float
    horizons: list[HorizonScores]


class _Rows(NamedTuple):
    """The sums of one over the stretches in which it spoke, by when they begin."""

    times_ms: Times
    sums: Floats

    def since(self, from_ms: int) -> _Rows:
        is_later = self.times_ms >= from_ms
        return _Rows(self.times_ms[is_later], self.sums[is_later])


def rolling_scores(
    market: str,
    timeframe: str,
    stretches: Sequence[ScoreSums],
    horizons_ms: Iterable[int],
    *,
    fee_bps: float = 0.0,
    by_version: bool = False,
) -> RollingScores:
    """Return the scores of these horizons; candidates by name, or each version for itself."""
    until_ms = stretches[-1].to_ms if stretches else None
    found = _rows_of(stretches, by_version=by_version)
    horizons = []
    for horizon_ms in sorted(horizons_ms):
        of_horizon = [(name, rows) for name, rows in found.items() if name.horizon_ms == horizon_ms]
        of_horizon.sort(key=lambda each: (each[0].candidate != "served", each[0]))
        windows: dict[str, list[WindowScore]] = {}
        apart = min(1.0, timeframe_ms(timeframe) / horizon_ms)
        for window, width_ms in WINDOWS_MS.items():
            since_ms = 0 if width_ms is None or until_ms is None else until_ms - width_ms
            within = ((name, rows.since(since_ms)) for name, rows in of_horizon)
            windows[window] = [
                _scored(name, rows.sums, apart, fee_bps)
                for name, rows in within
                if len(rows.times_ms)
            ]
        served = [rows for name, rows in of_horizon if name.candidate == "served"]
        horizons.append(HorizonScores(horizon_ms, windows, _by_hour(served, apart)))
    from_ms = stretches[0].from_ms if stretches else None
    return RollingScores(market, timeframe, from_ms, until_ms, fee_bps, horizons)


def _rows_of(stretches: Sequence[ScoreSums], *, by_version: bool) -> dict[Name, _Rows]:
    pieces: dict[Name, list[_Rows]] = defaultdict(list)
    for told, alike in groupby(stretches, key=lambda one: one.names):
        names, together = msgspec.json.decode(told, type=list[Name]), list(alike)
        times_ms = np.array([one.from_ms for one in together], np.int64)
        sums = np.frombuffer(b"".join(one.sums for one in together), "<f8")
        block = sums.reshape(len(together), len(names), len(FIELDS))
        for place, name in enumerate(names):
            key = name if by_version else name._replace(model="")
            pieces[key].append(_Rows(times_ms, block[:, place]))
    return {
        name: _Rows(
            np.concatenate([one.times_ms for one in some]),
            np.concatenate([one.sums for one in some]),
        )
        for name, some in pieces.items()
    }


def _scored(name: Name, rows: Floats, apart: float, fee_bps: float) -> WindowScore:
    sums = rows.sum(axis=0)

    def total(field: str) -> float:
        return float(sums[PLACE[field]])

    def mean(field: str, count: str) -> float | None:
        return total(field) / total(count) if total(count) else None

    accuracy, effective, low, high = _accuracy(rows, apart)
    late_bps, spread_bps = mean("late_bps", "lates"), mean("spread_bps", "spreads")
    net_bps = None
    if late_bps is not None and spread_bps is not None:
        net_bps = late_bps - spread_bps - fee_bps
    return WindowScore(
        candidate=name.candidate,
        model=name.model or None,
        outcomes=round(total("outcomes")),
        abstained=round(total("abstained")),
        flat=round(total("flat")),
        moved=round(total("moved")),
        effective=effective,
        accuracy=accuracy,
        low=low,
        high=high,
        close_accuracy=mean("close_right", "close_moved"),
        coverage=mean("inside", "outcomes") if name.candidate == "served" else None,
        log_loss=mean("log_loss", "spoke"),
        brier=mean("brier", "spoke"),
        calibration_error=_calibration_error(sums),
        gross_bps=mean("gross_bps", "positions"),
        late_bps=late_bps,
        net_bps=net_bps,
    )


def _accuracy(rows: Floats, apart: float) -> tuple[float | None, float, float | None, float | None]:
    """Return the accuracy, of how many independent rows, and its interval.

    Stretches are the blocks of time. Of few of them nobody can tell how they vary: then rows count
    by the share of them, `apart`, whose outcomes do not overlap.
    """
    moved, right = rows[:, PLACE["moved"]], rows[:, PLACE["right"]]
    size = float(moved.sum())
    if len(rows) >= FEWEST_BLOCKS or not size:
        return accuracy_of(moved.astype(int).tolist(), right.astype(int).tolist())
    share, effective = float(right.sum()) / size, max(1.0, apart * size)
    return share, effective, *wilson(share, effective)


def _calibration_error(sums: Floats) -> float | None:
    """Return the mean distance of what was said to what came, over how sure it was (ECE)."""
    rows, said, came = (
        sums[PLACE[f"{kind}_0"] : PLACE[f"{kind}_0"] + BINS] for kind in ("rows", "said", "came")
    )
    return float(np.abs(said - came).sum() / rows.sum()) if rows.sum() else None


def _by_hour(served: Sequence[_Rows], apart: float) -> list[HourScore]:
    if not served:
        return []
    times_ms = np.concatenate([one.times_ms for one in served])
    sums = np.concatenate([one.sums for one in served])
    hours = times_ms // _HOUR_MS % 24
    found = []
    for hour in np.unique(hours).tolist():
        rows = sums[hours == hour]
        accuracy, _, low, high = _accuracy(rows, apart)
        moved = round(float(rows[:, PLACE["moved"]].sum()))
        found.append(HourScore(hour, moved, accuracy, low, high))
    return found
