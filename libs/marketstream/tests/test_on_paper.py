"""What came of what was said: how often, and what it would have earned."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from marketstream.messages import Candle, Direction
from marketstream.on_paper import OnPaper, Paper
from marketstream.plan import Plan
from marketstream.scores import Scores

from .test_candidate_losses import outcome, prediction

MARKET = "binance:BTC/USDT"


def told(
    paper: Paper, second: int, p_up: float, direction: Direction, moved_bps: float,
    spread_bps: float | None = 0.5,
) -> None:  # fmt: skip
    paper.predicted(replace(prediction(second, {}, p_up), direction=direction))
    paper.happened(outcome(second, moved_bps / 10_000), spread_bps)


def test_what_was_said_is_held_against_how_often_it_came() -> None:
    paper = Paper(100)
    assert paper.reliability() == []
    for second, (p_up, moved) in enumerate(
        [(0.62, 1), (0.64, 1), (0.66, -1), (0.65, 0), (0.1, -1), (1.0, 1), (0.999, -1)]
    ):
        told(paper, second, p_up, "up", moved)
    low, middle, high = paper.reliability()
    assert (low.said, low.came, low.moved) == (pytest.approx(0.1), 0.0, 1)
    assert (middle.said, middle.came) == (pytest.approx(0.64), pytest.approx(2 / 3))
    assert middle.moved == 3, "what did not move was neither up nor down"
    assert (high.said, high.came, high.moved) == (pytest.approx(0.9995), 0.5, 2)


def test_a_position_earns_its_move_and_pays_the_spread() -> None:
    paper = Paper(100)
    assert paper.on_paper() == OnPaper(0, None, None, None)
    told(paper, 1, 0.6, "up", 2.0)
    told(paper, 2, 0.4, "down", -1.0, 0.7)
    told(paper, 3, 0.4, "down", 1.5, 0.6)
    told(paper, 4, 0.6, "up", 0.0)
    told(paper, 5, 0.6, "abstain", 50.0)
    told(paper, 6, 0.6, "up", 50.0, None)
    earned = paper.on_paper()
    assert earned.positions == 4
    assert earned.gross_bps == pytest.approx((2 + 1 - 1.5) / 4)
    assert earned.spread_bps == pytest.approx((0.5 + 0.7 + 0.6 + 0.5) / 4)
    assert earned.net_bps == pytest.approx(1.5 / 4 - 2.3 / 4)


def test_the_newest_rows_count() -> None:
    paper = Paper(3)
    for second in range(20):
        told(paper, second, 0.6, "up", 1.0 if second > 16 else -1.0)
    assert paper.on_paper().positions == 3
    assert paper.on_paper().gross_bps == pytest.approx(1.0)
    [only] = paper.reliability()
    assert (only.came, only.moved) == (1.0, 3)


def test_nothing_is_made_of_what_nobody_said() -> None:
    paper = Paper(3)
    paper.happened(outcome(1, 1e-4), 0.5)
    assert paper.reliability() == []
    nobody = replace(prediction(2, {}), p_up=0.0, p_flat=1.0, p_down=0.0, direction="abstain")
    paper.predicted(nobody)
    paper.happened(outcome(2, 1e-4), 0.5)
    assert paper.reliability() == []


def candle(second: int, bid: float | None, ask: float | None, timeframe: str = "1s") -> Candle:
    return Candle(
        market=MARKET, timeframe=timeframe, open_time_ms=1_000 * (second - 1),
        close_time_ms=1_000 * second, open=100.0, high=100.0, low=100.0, close=100.0, volume=1.0,
        quote_volume=100.0, trade_count=1, taker_buy_volume=1.0, taker_buy_quote_volume=100.0,
        bid=bid, ask=ask,
    )  # fmt: skip


def test_the_spread_is_that_of_the_book_at_the_close_that_was_decided_on() -> None:
    scores = Scores(Plan((MARKET,), "1s", (1,)))
    for second, bid, ask in ((1, 99.9, 100.1), (2, None, None), (3, 99.95, 100.05)):
        scores.closed(candle(second, bid, ask))
        scores.closed(candle(second, 90.0, 110.0, "1m"))
        scores.predicted(prediction(second, {}))
    for second in (1, 2, 3):
        scores.happened(outcome(second, 30 / 10_000))
    earned = scores.on_paper(MARKET, 1_000)
    assert earned.positions == 2
    assert earned.spread_bps == pytest.approx(15.0)
    assert earned.net_bps == pytest.approx(15.0)
    assert scores.reliability(MARKET, 1_000)[0].moved == 3
    assert scores.on_paper(MARKET, 9_000) == OnPaper(0, None, None, None)
