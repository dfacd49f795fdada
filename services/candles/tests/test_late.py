"""Late trades in the metrics: each once, whatever is revised or restarted."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from candles.aggregation import CandleAggregator
from candles.late import LateTrades
from marketstream.messages import Trade, Trades
from marketstream.metrics import Metrics

MARKET = "binance:BTC/USDT"


def fold(operator: CandleAggregator, *trades: tuple[int, int], seen_ms: int) -> None:
    """Have an operator see trades of these ids and times in ms."""
    made = tuple(Trade(number, 100.0, 1.0, "buy", ms * 1_000) for number, ms in trades)
    operator.update(Trades(MARKET, made, None, seen_ms * 1_000))


def counted(metrics: Metrics) -> str:
    (line,) = (
        line for line in metrics.render().decode().splitlines()
        if line.startswith("realtime_late_trades_total{")
    )  # fmt: skip
    return line.removeprefix(f'realtime_late_trades_total{{market="{MARKET}"}} ')


def test_late_trades_are_counted_once_however_often_their_candles_are_revised() -> None:
    metrics = Metrics(CollectorRegistry())
    late, operator = LateTrades(metrics), CandleAggregator(MARKET, ["250ms", "1s"])
    late.count(operator)
    assert counted(metrics) == "0.0"
    fold(operator, (1, 0), (4, 2_000), seen_ms=2_000)
    for number in (2, 3):
        fold(operator, (number, 500 + number), seen_ms=2_000)
        late.count(operator)
    late.count(operator)
    assert counted(metrics) == "2.0"


def test_who_takes_over_does_not_count_again_what_came_late_before() -> None:
    first = CandleAggregator(MARKET, ["1s"])
    fold(first, (1, 0), (4, 2_000), seen_ms=2_000)
    fold(first, (2, 500), seen_ms=2_000)
    second = CandleAggregator(MARKET, ["1s"])
    second.restore(first.snapshot())
    metrics = Metrics(CollectorRegistry())
    late = LateTrades(metrics)
    late.count(second)
    assert counted(metrics) == "0.0"
    fold(second, (3, 600), seen_ms=2_000)
    late.count(second)
    assert counted(metrics) == "1.0"


def test_a_market_that_comes_back_goes_on_counting() -> None:
    metrics = Metrics(CollectorRegistry())
    late = LateTrades(metrics)
    for _ in range(2):
        operator = CandleAggregator(MARKET, ["1s"])
        fold(operator, (1, 0), (3, 2_000), seen_ms=2_000)
        fold(operator, (2, 500), seen_ms=2_000)
        late.count(operator)
    assert counted(metrics) == "2.0"
