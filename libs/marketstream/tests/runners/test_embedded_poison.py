"""What cannot be never stops the stream of one process, whichever topic it comes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from marketstream.errors import BadMessage
from marketstream.messages import Candle, DeadLetter, Trades
from marketstream.messages.dead_letter import MOST_RAW
from marketstream.metrics import Metrics
from marketstream.ports import Part
from marketstream.runners.embedded import InProcessPorts
from marketstream.runners.testing import ABSURD, GOOD, NOW_US
from marketstream.stage import Stage
from marketstream.store.sql import open_store
from marketstream.topics import ALL_TOPICS, CANDLES, DEAD_LETTERS, KEPT_TOPICS, TRADES


class Counts:
    """Says how many trades came, as candles; fails in the middle of ids divisible by 13."""

    def __init__(self, market: str) -> None:
        self._market = market
        self._count = 0

    def update(self, message: Trades) -> list[Candle]:
        for trade in message.trades:
            self._count += 1
            if trade.id % 13 == 0:
                raise OverflowError("too large")
            if trade.id % 7 == 0:
                raise BadMessage("no sevens")
        end_ms = message.seen_until_us // 1_000
        return [
            Candle(self._market, "1s", end_ms - 1_000, end_ms, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
                   self._count, 0.0, 0.0)
        ]  # fmt: skip

    def snapshot(self) -> bytes:
        return str(self._count).encode()

    def restore(self, snapshot: bytes) -> None:
        self._count = int(snapshot)


class Running:
    """Ports with one stage, and a store that keeps what passes."""

    def __init__(self, folder: Path) -> None:
        self.now_s = NOW_US / 1e6
        self.store = open_store(f"sqlite:///{folder / 'realtime.sqlite'}")
        self.metrics = Metrics(CollectorRegistry())
        self.ports = InProcessPorts(self.metrics, lambda: int(self.now_s * 1e9), folder, self.store)
        stage = Stage("counts", (TRADES,), (CANDLES,), Counts)
        self.ports.add(Part("counts", (stage,), keeps=KEPT_TOPICS, keep=self.store.write))
        self.passed: list[Any] = []
        self.letters: list[DeadLetter] = []
        for topic in ALL_TOPICS:
            told = self.letters if topic is DEAD_LETTERS else self.passed
            self.ports.listen([topic], lambda message, _ns, told=told: told.append(message))

    def trade(self, number: int) -> Trades:
        good = GOOD["trades"]
        return msgspec.structs.replace(
            good, trades=(msgspec.structs.replace(good.trades[0], id=number),)
        )

    def close(self) -> None:
        self.ports.close()
        self.store.close()


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def test_absurd_messages_of_all_topics_are_put_aside_and_the_others_pass(running: Running) -> None:
    for name, changes in ABSURD:
        running.ports.publish(msgspec.structs.replace(GOOD[name], **changes))
        running.ports.publish(GOOD[name])
        assert running.passed.pop() == GOOD[name]
    assert running.passed == [] or {type(each) for each in running.passed} == {Candle}
    held_back = sum(letter.more for letter in running.ports._flood.rest())
    assert len(running.letters) + held_back == len(ABSURD)
    assert running.metrics.dead_letters.labels("edge")._value.get() == len(ABSURD)
    running.close()


def test_what_an_operator_fails_on_changes_nothing_and_is_stored_as_a_letter(
    running: Running, tmp_path: Path
) -> None:
    for number in (1, 2, 13, 3, 26, 7, 4):
        running.ports.publish(running.trade(number))
    counts = [m.trade_count for m in running.passed if isinstance(m, Candle)]
    # A refusal comes before a change: the seventh is counted by an operator that breaks its word.
    assert counts == [1, 2, 3, 5]
    assert [letter.source for letter in running.letters] == ["counts"] * 3
    assert "OverflowError: too large" in running.letters[0].reason
    running.close()
    stored = open_store(f"sqlite:///{tmp_path / 'realtime.sqlite'}").dead_letters(10)
    assert {letter.reason for letter in stored} == {letter.reason for letter in running.letters}


def test_frames_of_any_size_and_number_make_letters_that_fit(
    running: Running, tmp_path: Path
) -> None:
    huge = DeadLetter("binance", b"[" * 5_000_000, "nested too deep", NOW_US)
    for number in range(2_000):
        running.ports.publish(msgspec.structs.replace(huge, received_us=NOW_US + number))
    assert len(running.letters) == 30
    assert {(len(one.raw), one.size) for one in running.letters} == {(MOST_RAW, 5_000_000)}
    running.now_s += 61
    running.ports.publish(running.trade(1))
    assert running.letters[-1].more == 1_970
    running.close()
    assert (tmp_path / "realtime.sqlite").stat().st_size < 10_000_000
