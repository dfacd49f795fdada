"""From nothing to predictions, and on after a stop: history and live trades join without a seam."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle
from marketstream.store.sql import open_store
from marketstream.testing import RunningCommand, running_command

MARKET = "simulator:BTC/USDT"
ARGUMENTS = ("--symbol", "BTC/USDT", "--horizon", "1", "--horizon", "2")


def outcomes(live: RunningCommand) -> float:
    verdicts = ("right", "wrong", "flat")
    return sum(
        live.metric(
            f'realtime_outcomes_total{{horizon_ms="1000",market="{MARKET}",verdict="{verdict}"}}'
        )
        for verdict in verdicts
    )


def wait_for_scores(live: RunningCommand, count: int) -> None:
    live.wait_for("a prediction", lambda: live.get("/predictions/BTC-USDT")[0] == 200)
    live.wait_for("outcomes", lambda: outcomes(live) >= count)


class Kept(list[Candle]):
    """The candles of a store, and how often each prediction and outcome is in it."""

    def __init__(self, folder: Path) -> None:
        store = open_store(f"sqlite:///{folder / 'state' / 'realtime.sqlite'}")
        try:
            super().__init__(store.candles(MARKET, "1s", 0, 2**62))
            self.predictions = store.predictions(MARKET, "1s", 0, 2**62)
            self.outcomes = store.outcomes(MARKET, "1s", 0, 2**62)
        finally:
            store.close()


def assert_equal_to_the_exchange(candles: Sequence[Candle]) -> None:
    """Every candle but the first is whole, follows on the one before, and is the exchange's own."""
    assert all(one.close_time_ms == two.open_time_ms for one, two in pairwise(candles))
    assert all(candle.complete for candle in candles[1:])
    from_us, to_us = candles[0].open_time_ms * 1_000, candles[-1].close_time_ms * 1_000
    aggregator = CandleAggregator(MARKET, ["1s"])
    expected = [
        candle
        for message in trades_messages(SeededMarket("BTC/USDT", 1), MARKET, from_us, to_us)
        for candle in aggregator.update(message)
    ]
    assert [what_traded(c) for c in candles[1:]] == [what_traded(c) for c in expected[1:]]


def what_traded(candle: Candle) -> tuple[object, ...]:
    return (
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
        candle.quote_volume, candle.trade_count, candle.taker_buy_volume, candle.first_trade_id,
        candle.last_trade_id,
    )  # fmt: skip


def test_a_start_from_nothing_predicts_soon_and_joins_history_and_live_without_a_seam(
    tmp_path: Path,
) -> None:
    with running_command(tmp_path, *ARGUMENTS) as live:
        wait_for_scores(live, 8)
        _, answer = live.get("/predictions/BTC-USDT")
        first = answer["predictions"][0]
        assert first["model"]["name"] == "average"
        weights = {name: each["weight"] for name, each in first["candidates"].items()}
        known = {"imbalance_calibrated", "imbalance_sign", "logistic_five", "lightgbm"}
        assert weights.keys() <= known, weights  # of trades alone there is no imbalance
        assert sum(weights.values()) == pytest.approx(1)
        code, seconds = live.stop()
        assert (code, seconds < 5) == (0, True)
        assert "Traceback" not in live.log.read_text()
    kept = Kept(tmp_path)
    assert len(kept) > 3_600
    assert_equal_to_the_exchange(kept)
    books = [candle.bid is not None for candle in kept]
    assert books.index(True) > 3_500  # an exchange has no quotes of the past
    assert len(kept.outcomes) >= 8


@pytest.mark.parametrize("end", ["ctrl_c", "kill"])
def test_starting_again_goes_on_without_a_seam(tmp_path: Path, end: str) -> None:
    with running_command(tmp_path, *ARGUMENTS) as live:
        wait_for_scores(live, 5)
        if end == "kill":
            live.kill()
        else:
            live.stop()
    before = Kept(tmp_path)
    with running_command(tmp_path, *ARGUMENTS) as live:
        wait_for_scores(live, 5)
        log = live.log.read_text()
        assert '"resumed":true' in log
        versions = re.findall(r'"Model installed.*?"version":"(\d+)"', log)
        assert versions[:2] == ["1", "1"]  # what served before the stop serves until the next
        live.stop()
    after = Kept(tmp_path)
    assert_equal_to_the_exchange(after)
    for was, now in zip(before, after, strict=False):
        assert was == now  # the books that were seen are still there
    assert after.predictions[: len(before.predictions)] == before.predictions
    assert len(after.predictions) > len(before.predictions)
    scored = [outcome.identity for outcome in after.outcomes]
    assert len(scored) == len(set(scored))
    made = {prediction.identity for prediction in after.predictions}
    assert set(scored) <= made
