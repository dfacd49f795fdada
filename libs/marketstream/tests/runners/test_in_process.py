"""The runner: who is told of what, and when."""

from collections.abc import Callable, Sequence

import pytest

from marketstream.messages import Candle, Features, Prediction, Trades
from marketstream.runners.in_process import InProcessRunner
from marketstream.stage import Stage
from marketstream.topics import CANDLES, FEATURES, PREDICTIONS, TRADES

MARKET = "binance:BTC/USDT"
HEARTBEAT = Trades(MARKET, (), None, 1_000_000)


def candle(timeframe: str) -> Candle:
    return Candle(MARKET, timeframe, 0, 1_000, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0, 0.0, 0.0)


def features(timeframe: str) -> Features:
    return Features(MARKET, timeframe, 1_000, {}, 1.0, 2.0, 1.5, "test")


def prediction() -> Prediction:
    return Prediction(
        MARKET, "1s", 1_000, 1_000, "champion", "test", "1", 0, {}, 1.5, 1.5, 0.0, 1.5,
        0.4, 0.2, 0.4, 1.0, 2.0, 0.8, "abstain", None, {},
    )  # fmt: skip


class Says:
    """Answers each message with what it was told to."""

    def __init__(self, answer: Callable[[object], Sequence[object]]) -> None:
        self.update = answer

    def snapshot(self) -> bytes:
        return b""

    def restore(self, snapshot: bytes) -> None:
        assert snapshot == b""


def stages() -> list[Stage]:
    return [
        Stage("candles", (TRADES,), (CANDLES,),
              lambda _m: Says(lambda _t: [candle("250ms"), candle("1s")])),
        Stage("features", (CANDLES,), (FEATURES,),
              lambda _m: Says(lambda c: [features(getattr(c, "timeframe", ""))])),
        Stage("predictor", (FEATURES,), (PREDICTIONS,),
              lambda _m: Says(
                  lambda f: [prediction()] if getattr(f, "timeframe", "") == "1s" else [])),
    ]  # fmt: skip


def listening(runner: InProcessRunner) -> list[str]:
    told: list[str] = []
    for topic in (TRADES, CANDLES, FEATURES, PREDICTIONS):
        runner.tap(
            topic,
            lambda m, ns: told.append(f"{type(m).__name__} {getattr(m, 'timeframe', '')} {ns}"),
        )
    return told


IN_ORDER = [
    "Features 250ms 7",
    "Candle 250ms 7",
    "Prediction 1s 7",
    "Features 1s 7",
    "Candle 1s 7",
    "Trades  7",
]


def test_a_tap_is_told_after_all_that_follows_from_a_message() -> None:
    runner = InProcessRunner(stages())
    told = listening(runner)
    runner.publish(HEARTBEAT, 7)
    assert told == IN_ORDER


def test_with_later_predictions_are_told_at_once_and_the_rest_in_order_afterwards() -> None:
    soon: list[Callable[[], None]] = []
    runner = InProcessRunner(stages(), later=soon.append)
    told = listening(runner)
    runner.publish(HEARTBEAT, 7)
    runner.publish(HEARTBEAT, 8)
    assert told == ["Prediction 1s 7", "Prediction 1s 8"]
    assert len(soon) == 1
    soon.pop()()
    rest = [line for line in IN_ORDER if "Prediction" not in line]
    assert told[2:] == rest + [line.replace(" 7", " 8") for line in rest]
    runner.publish(HEARTBEAT, 9)
    assert len(soon) == 1


def test_who_can_wait_is_told_of_predictions_with_the_rest() -> None:
    soon: list[Callable[[], None]] = []
    runner = InProcessRunner(stages(), later=soon.append)
    told: list[str] = []
    runner.tap(PREDICTIONS, lambda _m, ns: told.append(f"waits {ns}"), can_wait=True)
    runner.tap(PREDICTIONS, lambda _m, ns: told.append(f"at once {ns}"))
    runner.publish(HEARTBEAT, 7)
    assert told == ["at once 7"]
    soon.pop()()
    assert told == ["at once 7", "waits 7"]


def test_what_fails_later_is_raised_by_the_next_publish() -> None:
    soon: list[Callable[[], None]] = []
    runner = InProcessRunner(stages(), later=soon.append)

    def fail(_message: object, _received_ns: int) -> None:
        raise ZeroDivisionError

    runner.tap(CANDLES, fail)
    runner.publish(HEARTBEAT)
    with pytest.raises(ZeroDivisionError):
        soon.pop()()
    with pytest.raises(ZeroDivisionError):
        runner.publish(HEARTBEAT)
