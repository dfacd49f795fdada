"""The control of quotes that lag: a random walk, told by every venue's own protocol.

Trades show where the market is, and the newest quote where it was. So whoever is judged from that
quote's mid looks right on pure noise; from the first quote after the decision nobody is.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

import pytest
from aiohttp.test_utils import make_mocked_request

from candles.stage import candles_stage
from exchange_simulator import SeededMarket
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.late_quotes import LateQuotes
from exchange_simulator.serving.markets import markets_of
from exchange_simulator.venues import server_of
from exchanges.catalogue import venue_named, venues
from exchanges.checks import samples_of
from exchanges.venue import Stream
from marketstream.columns import FeatureTable, PriceSeries
from marketstream.messages import DeadLetter
from marketstream.runners.in_process import InProcessRunner
from marketstream.topics import FEATURES
from predictor.settings import ModelSettings, PredictorSettings
from predictor.training.history import FeatureHistory
from predictor.validation.evaluation import evaluate
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.stage import technical_indicators_stage
from trades.intake import Intake
from trades.session.market import MarketSession
from trades.session.rules import Rules
from trades.sessions import in_ns

START_US = 1_704_067_200_000_000  # 2024-01-01
SECOND_US = 1_000_000
SECONDS = 15 * 60
TICK_US = 50_000
TIMEFRAME = "250ms"
HORIZON_MS = 250
LAGS_MS = (80, 300)
FEATURES_USED = ["imbalance", "imbalance_mean_1s", "close_against_mid", "flow_1s", "return_1s"]
SETTINGS = PredictorSettings(model=ModelSettings(type="logistic"), features=FEATURES_USED)
# Sixteen times each is looked at; so far from one half none is by chance, in 95 of 100 such looks.
Z = 2.955


class Followed(NamedTuple):
    """What is remembered of a market, and the lag of its quotes as it is said."""

    table: FeatureTable
    prices: PriceSeries
    quote_lag_ms: int


class Judged(NamedTuple):
    """Shares of right answers, and how far from one half chance alone may take them (Wilson)."""

    model: float
    imbalance_sign: float
    chance: float


def told(venue: str, lag_ms: int, stream: Stream) -> Iterator[list[tuple[int, bytes]]]:
    """Yield, second by second, the frames that a venue sends its client, and when.

    The spread is narrow: the wider it is, the more its bounce hides of what trades show.
    """
    speaks, symbol = server_of(venue), samples_of(venue_named(venue)).symbol
    walk = SeededMarket(symbol, 7, signals=False, spread_bps=0.3, trades_per_second=20, venue=venue)
    markets = markets_of([LateQuotes(walk, lag_ms)], START_US, speaks.wire_symbol)
    server = speaks(Exchange(markets, lambda: START_US))
    (market,) = markets.values()
    path = stream.stream_url(f"ws://x{server.ws_path}").removeprefix("ws://x")
    session = server.session(make_mocked_request("GET", path))
    asked = [request.decode() for request in stream.subscribe_frames()]
    yield [(START_US, answer.encode()) for one in asked for answer in session.handle(one)]
    view = session.view()
    for from_us in range(START_US, START_US + SECONDS * SECOND_US, SECOND_US):
        cut = MarketCut(market, from_us, from_us + SECOND_US)
        rows = sorted(
            (time_us, sequence, channel.name, frame)
            for channel in view.channels
            for time_us, sequence, frame in server.rows(
                channel, cut, microseconds=view.microseconds
            )
        )
        yield [
            (time_us, server.dressed(name, frame) if view.combined else frame)
            for time_us, _, name, frame in rows
        ]


def follow(venue: str, lag_ms: int) -> Followed:
    """Follow the walk as the running system does: parser, session, candles and features."""
    stream = venue_named(venue).stream([samples_of(venue_named(venue)).symbol], venue)
    (market,) = stream.markets
    feature_set = FeatureSet(TIMEFRAME, TIMEFRAME, FeatureSettings())
    history = FeatureHistory(feature_set.names, TIMEFRAME, TIMEFRAME, 1_000_000)
    runner = InProcessRunner(
        [candles_stage([TIMEFRAME], leaps=True), technical_indicators_stage(feature_set)]
    )
    runner.tap(FEATURES, lambda features, _received_ns: history.append(features))
    rules = Rules(base_ms=250, ids=venue_named(venue).ids)
    session = MarketSession(market, in_ns(runner.publish), rules)
    refused: list[DeadLetter] = []
    intake = Intake(stream, {market: session}, refused.append)
    session.connected(START_US)
    due_us = START_US
    for frames in told(venue, lag_ms, stream):
        for received_us, frame in frames:
            while received_us >= due_us + TICK_US:
                due_us += TICK_US
                intake.flush()
                session.tick(due_us)
            intake.handle(frame, received_us * 1_000)
    intake.flush()
    measured_ms = session.said(due_us, connected=True, reconnects=0, ended=False).quote_lag_ms
    assert refused == []
    assert measured_ms is not None
    return Followed(history.table(), history.prices(), measured_ms)


def judged(followed: Followed, latency_ms: int) -> Judged:
    """Walk a model and the sign of the imbalance forward, from so long after each decision."""
    evaluation, _ = evaluate(
        followed.table, followed.prices, HORIZON_MS, SETTINGS, latency_ms=latency_ms
    )
    score = evaluation.score
    assert score is not None
    assert score.accuracy is not None
    assert score.effective > 1_000
    sign = evaluation.references["imbalance_sign"].accuracy
    return Judged(score.accuracy, sign, Z * 0.5 / sqrt(score.effective))


@pytest.mark.slow
@pytest.mark.parametrize("lag_ms", LAGS_MS)
@pytest.mark.parametrize("venue", venues())
def test_a_walk_whose_quotes_lag_reads_half_once_the_lag_counts_and_far_more_before(
    venue: str, lag_ms: int
) -> None:
    followed = follow(venue, lag_ms)
    # Quotes that come with trades are behind by what passes between two of these, too.
    assert abs(followed.quote_lag_ms - lag_ms) <= 100
    at_once = judged(followed, 0)
    assert at_once.model > 0.5 + at_once.chance, "a control has to be able to fail"
    assert at_once.imbalance_sign == pytest.approx(0.5, abs=at_once.chance)
    waiting = judged(followed, followed.quote_lag_ms)
    assert waiting.model == pytest.approx(0.5, abs=waiting.chance)
    assert waiting.imbalance_sign == pytest.approx(0.5, abs=waiting.chance)
