"""Predictions and what came of them as a feed to be followed, which goes on where one left it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from marketstream.messages import MoveForecast, MoveOutcome, Outcome, Prediction, Verdict
from prediction_api.views.event_queue import Encode, EventQueue, TellMissed, event
from prediction_api.views.live import MOST_FOLLOWERS
from prediction_api.views.moves import MoveCame, MoveView, came_of, view_of
from prediction_api.views.prediction_view import Shown

RECONNECT_MS = 1_000

_REMEMBERED = 4_096  # events of a market: some minutes of four horizons a second
_ID = re.compile(r"([po])-(\d{1,16})-(\d{1,16})")


class Came(msgspec.Struct, frozen=True):
    """What came of the prediction of this id, made at a close and a horizon."""

    id: str
    close_time_ms: int
    horizon_ms: int
    verdict: Verdict
    realised_mid: float
    realised_return: float
    inside: bool


class Missed(msgspec.Struct, frozen=True):
    """Events after the one named, up to the first that follows, are told no more.

    Without a name they are the first ones. They are about closes from `from_ms` on.
    """

    after: str | None
    from_ms: int


class _Event(msgspec.Struct):
    id: str
    name: str
    horizon_ms: int
    told: Shown | Came | MoveView | MoveCame
    kept: dict[Encode, bytes] = msgspec.field(default_factory=dict)

    def encoded(self, encode: Encode) -> bytes:
        """Return it as it is told, which is made once for all who are told it."""
        kept = self.kept.get(encode)
        if kept is None:
            told = self.told.view if isinstance(self.told, Shown) else self.told
            kept = self.kept[encode] = encode(self.name, told, self.id)
        return kept


class _Follower(NamedTuple):
    queue: EventQueue
    horizons_ms: frozenset[int] | None
    encode: Encode


class PredictionFeed:
    """Keeps the newest events of each market, and tells them to who follows.

    An event's id says what it is about, so that another instance knows it too, and so does this one
    after a restart.
    """

    def __init__(self, markets: Iterable[str], most_followers: int = MOST_FOLLOWERS) -> None:
        self._events: dict[str, deque[_Event]] = {
            market: deque(maxlen=_REMEMBERED) for market in markets
        }
        self._followers: dict[str, list[_Follower]] = {market: [] for market in self._events}
        self._most = most_followers
        self._closed = False

    def preload(self, predictions: Iterable[Prediction], outcomes: Iterable[Outcome]) -> None:
        """Remember what was stored before the start; tells nobody."""
        events = [(one.close_time_ms, one.market, _prediction(_stored(one))) for one in predictions]
        events += [
            (outcome.close_time_ms + outcome.horizon_ms, outcome.market, _outcome(outcome))
            for outcome in outcomes
        ]
        for _, market, told in sorted(events, key=lambda one: one[0]):
            self._events[market].append(told)

    def predicted(self, shown: Shown) -> None:
        """Tell of a prediction, as it is shown."""
        self._tell(shown.prediction.market, _prediction(shown))

    def happened(self, outcome: Outcome) -> None:
        """Tell what came of one."""
        self._tell(outcome.market, _outcome(outcome))

    def moved(self, forecast: MoveForecast) -> None:
        """Tell of a forecast of how far; a feed of its own has those of a target."""
        close_ms, horizon_ms = forecast.close_time_ms, forecast.horizon_ms
        event_id = f"p-{close_ms}-{horizon_ms}"
        self._tell(forecast.market, _Event(event_id, "move", horizon_ms, view_of(forecast)))

    def moved_so(self, outcome: MoveOutcome) -> None:
        """Tell how far it went."""
        close_ms, horizon_ms = outcome.close_time_ms, outcome.horizon_ms
        event_id = f"o-{close_ms}-{horizon_ms}"
        self._tell(outcome.market, _Event(event_id, "move_outcome", horizon_ms, came_of(outcome)))

    def follow(
        self,
        market: str,
        queue: EventQueue,
        horizons_ms: Collection[int] | None = None,
        after: str | None = None,
        encode: Encode = event,
    ) -> bool:
        """Put what follows the event of an id into a queue, and all that happens from now on.

        Where that event is so long ago that it is not remembered, it is said first what was missed.
        What is not remembered otherwise is gone on after by its time. False where as many follow as
        may.
        """
        if sum(map(len, self._followers.values())) >= self._most:
            return False
        wanted = None if horizons_ms is None else frozenset(horizons_ms)
        events = list(self._events[market])
        newest = events[-1].id if events else None
        queue.begins_after(newest if after is None else after)
        if after is not None and (backlog := self._after(market, events, after, wanted, encode)):
            queue.put(backlog, newest)
        if self._closed:
            queue.end()
        else:
            self._followers[market].append(_Follower(queue, wanted, encode))
        return True

    def missed(self, market: str, encode: Encode = event) -> TellMissed:
        """Return how it is told that events of a market were lost."""
        return lambda after: encode("missed", Missed(after, self._from_ms(market, after)), None)

    def forget(self, market: str, queue: EventQueue) -> None:
        """Put nothing more into a queue."""
        kept = [each for each in self._followers[market] if each.queue is not queue]
        self._followers[market] = kept

    def close(self) -> None:
        """End all streams, later ones too."""
        self._closed = True
        for followers in self._followers.values():
            for each in followers:
                each.queue.end()
            followers.clear()

    def _after(
        self,
        market: str,
        events: Sequence[_Event],
        after: str,
        wanted: frozenset[int] | None,
        encode: Encode,
    ) -> bytes:
        """Return at once what was missed, as one, so that it takes one place of a queue."""
        at = next((n for n, one in enumerate(events) if one.id == after), None)
        if at is not None:
            said, rest = b"", events[at + 1 :]
        else:
            time_ms = time_of(after)
            is_forgotten = not events or time_ms < time_of(events[0].id)
            said = self.missed(market, encode)(after) if is_forgotten else b""
            began = (n for n, one in enumerate(events) if time_of(one.id) >= time_ms)
            rest = events[next(began, len(events)) :]
        return said + b"".join(one.encoded(encode) for one in rest if _is_wanted(one, wanted))

    def _from_ms(self, market: str, after: str | None) -> int:
        """Return the first close that what followed an event may be about, in ms.

        Outcomes are told a horizon after their close.
        """
        events = self._events[market]
        if after is None:
            return min((close_of(one.id) for one in events), default=0)
        longest_ms = max((one.horizon_ms for one in events), default=0)
        return max(0, time_of(after) - longest_ms)

    def _tell(self, market: str, told: _Event) -> None:
        self._events[market].append(told)
        followers = self._followers[market]
        if not followers:
            return
        encoded = {encode: told.encoded(encode) for encode in {each.encode for each in followers}}
        behind = [
            each.queue
            for each in followers
            if _is_wanted(told, each.horizons_ms)
            and not each.queue.put(encoded[each.encode], told.id)
        ]
        for queue in behind:
            self.forget(market, queue)


def is_event_id(text: str) -> bool:
    """Say whether a text is an id that events have."""
    return _ID.fullmatch(text) is not None


def time_of(event_id: str) -> int:
    """Return when what an event is about happens, in ms; it has to be an id."""
    kind, close_ms, horizon_ms = _parts(event_id)
    return close_ms + horizon_ms if kind == "o" else close_ms


def close_of(event_id: str) -> int:
    """Return the close that an event is about, in ms; it has to be an id."""
    return _parts(event_id)[1]


def _parts(event_id: str) -> tuple[str, int, int]:
    found = _ID.fullmatch(event_id)
    assert found is not None
    return found[1], int(found[2]), int(found[3])


def _is_wanted(told: _Event, horizons_ms: Collection[int] | None) -> bool:
    return horizons_ms is None or told.horizon_ms in horizons_ms


def _stored(prediction: Prediction) -> Shown:
    made_at_ms = prediction.made_at_ms or prediction.close_time_ms
    return Shown(prediction, made_at_ms, prediction.latency_us)


def _prediction(shown: Shown) -> _Event:
    close_ms, horizon_ms = shown.prediction.close_time_ms, shown.prediction.horizon_ms
    return _Event(f"p-{close_ms}-{horizon_ms}", "prediction", horizon_ms, shown)


def _outcome(outcome: Outcome) -> _Event:
    return _Event(
        f"o-{outcome.close_time_ms}-{outcome.horizon_ms}",
        "outcome",
        outcome.horizon_ms,
        Came(
            outcome.id,
            outcome.close_time_ms,
            outcome.horizon_ms,
            outcome.verdict,
            outcome.realised_mid,
            outcome.realised_return,
            outcome.inside,
        ),
    )
