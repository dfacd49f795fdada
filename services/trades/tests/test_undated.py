"""Recordings without receive times, of which some frames are dated wrongly."""

from __future__ import annotations

import json

import pytest

from exchanges.catalogue import venue_named
from marketstream.messages import DeadLetter, Gap, Stall, Trades
from marketstream.recordings import RecordedFrame
from trades.replay import replay_frames
from trades.session.market import MarketSession

MARKET = "binance:BTC/USDT"
START_MS = 1_723_161_250_000
HOUR_MS = 3_600_000
YEARS_MS = 20 * 365 * 86_400_000


class Heard:
    """What a replay of trades at these times, in ms from the start, published."""

    def __init__(
        self,
        times_ms: list[int],
        frames_per_read: int = 64,
        received_ns: int | None = None,
        received_ms: list[int | None] | None = None,
    ) -> None:
        self.dead_letters: list[DeadLetter] = []
        self.ids: list[int] = []
        self.gaps: list[tuple[int, int, str]] = []
        self.seen_until_us = 0
        frames = [
            RecordedFrame(received_ns, trade_frame(number, START_MS + time_ms))
            for number, time_ms in enumerate(times_ms, 1)
        ]
        if received_ms is not None:
            frames = [
                RecordedFrame(None if ms is None else (START_MS + ms) * 1_000_000, one.frame)
                for ms, one in zip(received_ms, frames, strict=True)
            ]
        replay_frames(
            frames,
            venue_named("binance").stream(["BTC/USDT"], "binance"),
            {MARKET: MarketSession(MARKET, self._hear)},
            self.dead_letters.append,
            frames_per_read=frames_per_read,
        )

    def _hear(self, message: Trades | Gap | Stall, _received_us: int) -> None:
        if isinstance(message, Trades):
            self.ids += [trade.id for trade in message.trades]
            self.seen_until_us = max(self.seen_until_us, message.seen_until_us)
        elif isinstance(message, Gap):
            self.gaps.append((message.first_id, message.end_id, message.state))


def trade_frame(number: int, time_ms: int) -> bytes:
    fields = {"e": "trade", "s": "BTCUSDT", "t": number, "p": "100", "q": "1", "T": time_ms}
    return json.dumps(fields | {"m": False}, separators=(",", ":")).encode()


def usual(count: int) -> list[int]:
    return [100 * number for number in range(count)]


@pytest.mark.parametrize("frames_per_read", [1, 7, 64])
@pytest.mark.parametrize("ahead_ms", [3_000, 30_000, HOUR_MS, YEARS_MS])
@pytest.mark.parametrize(
    "wrong", [[0], [1], [50], [50, 51], [30, 34, 60], [40, 41, 42, 45, 46], [97], [99]]
)
def test_frames_that_are_dated_ahead_are_put_aside(
    wrong: list[int], ahead_ms: int, frames_per_read: int
) -> None:
    if wrong == [99] and ahead_ms == 3_000:
        ahead_ms = 5_000  # no silence of a last trade is as long
    times_ms = usual(100)
    for place in wrong:
        times_ms[place] += ahead_ms
    heard = Heard(times_ms, frames_per_read)
    assert [letter.raw for letter in heard.dead_letters] == [
        trade_frame(place + 1, START_MS + times_ms[place]) for place in wrong
    ]
    assert all("without a receive time" in letter.reason for letter in heard.dead_letters)
    assert heard.ids == [number for number in range(1, 101) if number - 1 not in wrong]
    assert heard.seen_until_us <= (START_MS + 9_900) * 1_000
    missing = {number + 1 for number in wrong if number not in (0, 99)}
    lost = {
        number
        for first, end, state in heard.gaps
        if state == "lost"
        for number in range(first, end)
    }
    assert lost == missing


@pytest.mark.parametrize("early_ms", [HOUR_MS, YEARS_MS // 20])
def test_a_first_frame_that_is_dated_early_is_put_aside(early_ms: int) -> None:
    times_ms = usual(100)
    times_ms[0] -= early_ms
    heard = Heard(times_ms)
    assert [letter.raw for letter in heard.dead_letters] == [trade_frame(1, START_MS - early_ms)]
    assert heard.ids == list(range(2, 101))


@pytest.mark.parametrize("places", [[1], [50], [10, 11, 12], [50, 99], list(range(1, 100))])
def test_silences_are_believed(places: list[int]) -> None:
    times_ms = usual(100)
    for place in places:
        times_ms[place:] = [time_ms + 30_000 for time_ms in times_ms[place:]]
    heard = Heard(times_ms)
    assert (heard.dead_letters, heard.gaps) == ([], [])
    assert heard.ids == list(range(1, 101))


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_short_recordings_are_believed(count: int) -> None:
    heard = Heard(usual(count))
    assert (heard.ids, heard.dead_letters) == (list(range(1, count + 1)), [])


def test_a_first_trade_of_days_after_its_receipt_is_put_aside() -> None:
    times_ms = usual(100)
    times_ms[0] += YEARS_MS
    heard = Heard(times_ms, received_ns=(START_MS + 10_000) * 1_000_000)
    (letter,) = heard.dead_letters
    assert "its time is 630719990.0 s after its receipt" in letter.reason
    assert heard.ids == list(range(2, 101))


@pytest.mark.parametrize("lag_ms", [4, 3_000, -1_270, HOUR_MS])
@pytest.mark.parametrize("ahead_ms", [5_000, 600_000, HOUR_MS, YEARS_MS])
@pytest.mark.parametrize("wrong", [[0], [0, 1]])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_first_trade_that_is_dated_ahead_of_those_after_it_is_put_aside(
    wrong: list[int], ahead_ms: int, lag_ms: int, every: int
) -> None:
    times_ms = usual(100)
    received_ms: list[int | None] = [
        None if place % every else time_ms + lag_ms for place, time_ms in enumerate(times_ms)
    ]
    for place in wrong:
        times_ms[place] += ahead_ms
    heard = Heard(times_ms, received_ms=received_ms)
    assert len(heard.dead_letters) == len(wrong)
    assert heard.ids == list(range(1 + len(wrong), 101))
    assert heard.seen_until_us <= (START_MS + 9_900) * 1_000


@pytest.mark.parametrize("lag_ms", [4, 3_000, -1_270])
@pytest.mark.parametrize("ahead_ms", [0, 7_000, 60_000, HOUR_MS, YEARS_MS])
@pytest.mark.parametrize("without", ["one", "every second", "the second half", "all but the first"])
def test_frames_that_lack_a_receive_time_are_held_against_those_that_have_one(
    without: str, ahead_ms: int, lag_ms: int
) -> None:
    times_ms = usual(200)
    received_ms: list[int | None] = [time_ms + lag_ms for time_ms in times_ms]
    lacking = {
        "one": range(101, 102), "every second": range(1, 200, 2),
        "the second half": range(100, 200), "all but the first": range(1, 200),
    }[without]  # fmt: skip
    for place in lacking:
        received_ms[place] = None
    times_ms[101] += ahead_ms
    heard = Heard(times_ms, received_ms=received_ms)
    wrong = [102] if ahead_ms else []
    assert len(heard.dead_letters) == len(wrong)
    assert heard.ids == [number for number in range(1, 201) if number not in wrong]
    assert heard.gaps[-1:] == [(number, number + 1, "lost") for number in wrong]
    assert heard.seen_until_us <= (START_MS + 19_900) * 1_000


def test_a_backlog_that_comes_before_what_is_new_is_believed() -> None:
    times_ms = usual(100)
    received_ms: list[int | None] = [max(time_ms, 6_000) for time_ms in times_ms]
    heard = Heard(times_ms, received_ms=received_ms)
    assert heard.dead_letters == []
    assert heard.ids == list(range(1, 101))
