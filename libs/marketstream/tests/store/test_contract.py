"""What every store has to do; each implementation of the port is tested by the same lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count, permutations

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketstream.errors import StateError
from marketstream.keys import ApiKey
from marketstream.messages import (
    Audit,
    Candle,
    CandleState,
    Context,
    DeadLetter,
    Depth,
    Features,
    Funding,
    Gap,
    GapState,
    Liquidations,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Reading,
    Said,
    Stall,
)
from marketstream.messages.score_sums import ScoreSums
from marketstream.messages.seal import OutcomeSeal, Seal
from marketstream.store.counts import AuditCounts
from marketstream.store.port import Store
from marketstream.store.sql import open_store

MARKET = "binance:BTC/USDT"
NUMBERS = count()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def candle(
    open_time_ms: int = 0, *, state: CandleState = "closed", revision: int = 0, close: float = 1.5
) -> Candle:
    return Candle(
        market=MARKET,
        timeframe="1s",
        open_time_ms=open_time_ms,
        close_time_ms=open_time_ms + 1_000,
        open=1.0,
        high=2.0,
        low=0.1 + 0.2,
        close=close,
        volume=1e-8,
        quote_volume=1e16,
        trade_count=3,
        taker_buy_volume=0.0,
        taker_buy_quote_volume=0.0,
        bid=1.4,
        bid_quantity=2.0,
        first_trade_id=2**53 + 1,
        state=state,
        revision=revision,
        complete=False,
        filled=True,
        depth=Depth(bids=((1.4, 2.0), (1.3, 0.5)), asks=((1.6, 1e-8),), time_us=999_999),
        context=Context(
            999_998,
            mark=Reading(0.1 + 0.2, 999_998),
            funding=Funding(-1e-8, 900_000, 28_800_000),
            liquidations=Liquidations(0.0, 3.5, 1, 999_998),
        ),
    )


def features(
    close_time_ms: int = 1_000, *, feature_set: str = "a1b2", rsi: float = 55.5
) -> Features:
    return Features(
        market=MARKET,
        timeframe="1s",
        close_time_ms=close_time_ms,
        values={"rsi_14": rsi, "macd": None, "Größe": 0.0},
        bid=99.5,
        ask=None,
        close=100.1,
        feature_set=feature_set,
        complete=False,
        first_sell=99.4,
    )


def gap(state: GapState = "open", *, first_id: int = 7, until_us: int | None = None) -> Gap:
    return Gap(MARKET, first_id, first_id + 3, 5_000_000, until_us, state, None)


def prediction(close_time_ms: int = 1_000, *, mid: float = 100.0) -> Prediction:
    return Prediction(
        market=MARKET,
        timeframe="1s",
        close_time_ms=close_time_ms,
        horizon_ms=2_000,
        role="champion",
        model_name="lightgbm",
        model_version="7",
        label_latency_ms=20,
        mid=mid,
        close=100.1,
        expected_return=1e-5,
        predicted_price=100.001,
        p_up=0.5,
        p_flat=0.2,
        p_down=0.3,
        low=99.0,
        high=101.0,
        level=0.9,
        direction="up",
        reason=None,
        answers={"majority": "up", "persistence": "none"},
        feature_set="a1b2",
        made_at_ms=1_003,
        latency_us=412,
        late=True,
        candidates={"imbalance_sign": Said(0.1 + 0.2, 1.0, "imbalance_sign:7")},
    )


def outcome(close_time_ms: int = 1_000, *, realised_mid: float = 100.5) -> Outcome:
    return Outcome(
        market=MARKET,
        timeframe="1s",
        close_time_ms=close_time_ms,
        horizon_ms=2_000,
        role="champion",
        model_version="7",
        realised_mid=realised_mid,
        realised_return=0.005,
        close_return=-0.001,
        verdict="right",
        close_verdict="wrong",
        inside=True,
        baselines={"majority": "right", "persistence": "abstained"},
        late=True,
    )


def model(version: str, trained_at_ms: int, *, horizon_ms: int = 2_000) -> Model:
    return Model(
        market=MARKET,
        timeframe="1s",
        horizon_ms=horizon_ms,
        name="lightgbm",
        version=version,
        trained_at_ms=trained_at_ms,
        rows=5_000,
        metrics={"accuracy": 0.71, "low": None},
    )


def stall() -> Stall:
    return Stall(MARKET, 5_000_000, "trades", 6_000_000, "zombie")


def audit(from_ms: int, compared: int = 1) -> Audit:
    return Audit(MARKET, "1s", from_ms, from_ms + 1_000, compared, compared, 0)


def seal(from_ms: int, hash_: str = "c") -> Seal:
    return Seal(MARKET, "1s", from_ms, from_ms + 600_000, 3, "a", "b", hash_)


def outcome_seal(from_ms: int, hash_: str = "c") -> OutcomeSeal:
    return OutcomeSeal(MARKET, "1s", from_ms, from_ms + 600_000, 3, "a", "b", hash_)


def score_sums(from_ms: int, sums: bytes = b"\x00\xff") -> ScoreSums:
    return ScoreSums(MARKET, "1s", from_ms, from_ms + 600_000, "[]", sums)


def test_new_store_is_empty(store: Store) -> None:
    assert store.counts() == dict.fromkeys(
        (
            "candles",
            "features",
            "predictions",
            "outcomes",
            "move_forecasts",
            "move_outcomes",
            "models",
            "gaps",
            "stalls",
            "audits",
            "seals",
            "outcome_seals",
            "score_sums",
            "dead_letters",
        ),
        0,
    )
    assert store.candles(MARKET, "1s", 0, 10**15) == []
    assert store.last_candles(MARKET, "1s", 10) == []
    assert store.latest_model(MARKET, "1s", 2_000) is None


def test_writing_no_rows_changes_nothing(store: Store) -> None:
    store.write([])
    assert sum(store.counts().values()) == 0


def test_every_kind_of_row_comes_back_as_it_was_written(store: Store) -> None:
    letter = DeadLetter(
        "binance", b"\xff\x00{", "no JSON", 1_700_000_000_000_000, size=70_000, sha256="ab", more=7
    )
    rows = [
        candle(),
        features(),
        prediction(),
        outcome(),
        move_forecast(),
        move_outcome(),
        model("1", 5),
        gap("lost"),
        stall(),
        audit(0),
        seal(0),
        outcome_seal(0),
        score_sums(0),
        letter,
    ]
    store.write(rows)  # type: ignore[arg-type]
    assert store.candles(MARKET, "1s", 0, 1) == [candle()]
    assert store.features(MARKET, "1s", 1_000, 1_001) == [features()]
    assert store.predictions(MARKET, "1s", 1_000, 1_001) == [prediction()]
    assert store.gaps(MARKET, 5_000, 5_001) == [gap("lost")]
    assert store.outcomes(MARKET, "1s", 1_000, 1_001) == [outcome()]
    assert store.latest_model(MARKET, "1s", 2_000) == model("1", 5)
    assert store.stalls(MARKET, 0, 10**10) == [stall()]
    assert store.ledger(MARKET, 0, 1_000).audits == [AuditCounts("1s", 1, 1, 0)]
    assert store.seals(MARKET, "1s") == [seal(0)]
    assert store.outcome_seals(MARKET, "1s") == [outcome_seal(0)]
    assert store.score_sums(MARKET, "1s", 0, 1) == [score_sums(0)]
    assert store.dead_letters(10) == [letter]
    assert set(store.counts().values()) == {1}


def test_the_first_audit_of_a_stretch_stays(
    store: Store,
) -> None:
    store.write([candle(), audit(0), audit(4_000), audit(2_000), audit(0, compared=9)])
    assert store.ledger(MARKET, 0, 3_000).audits == [AuditCounts("1s", 2, 2, 0)]
    assert store.ledger(MARKET, 5_000, 9_000).audits == []


def test_the_first_sums_of_a_stretch_stay_and_old_ones_are_forgotten(store: Store) -> None:
    store.write([score_sums(600_000), score_sums(0), score_sums(1_200_000)])
    store.write([score_sums(0, b"another")])
    assert store.score_sums(MARKET, "1s", 0, 1_200_000) == [score_sums(0), score_sums(600_000)]
    assert store.forget("score_sums", MARKET, "1s", 600_001) == 2
    assert store.forget("score_sums", MARKET, "1s", 600_001) == 0
    assert store.score_sums(MARKET, "1s", 0, 10**15) == [score_sums(1_200_000)]


def test_seals_come_in_order_of_time_and_the_first_writing_stays(store: Store) -> None:
    store.write([seal(1_200_000), seal(0), seal(600_000)])
    store.write([seal(0, "another"), msgspec.structs.replace(seal(0), timeframe="1m")])
    assert store.seals(MARKET, "1s") == [seal(0), seal(600_000), seal(1_200_000)]
    assert store.seals("binance:ETH/USDT", "1s") == []
    assert store.outcome_seals(MARKET, "1s") == []
    store.write([outcome_seal(600_000), outcome_seal(0)])
    store.write([outcome_seal(0, "another")])
    assert store.outcome_seals(MARKET, "1s") == [outcome_seal(0), outcome_seal(600_000)]
    assert len(store.seals(MARKET, "1s")) == 3


def move_forecast(close_time_ms: int = 60_000, *, mean: float = 1e-7) -> MoveForecast:
    return MoveForecast(
        market=MARKET,
        timeframe="1s",
        close_time_ms=close_time_ms,
        horizon_ms=60_000,
        target="volatility",
        model_name="ridge",
        model_version="1",
        price="mid",
        label_latency_ms=0,
        mean=mean,
        quantiles=(1e-8, 0.1 + 0.2),
        baselines={"har": 2e-7},
    )


def move_outcome(close_time_ms: int = 60_000, *, realised: float = 1e-7) -> MoveOutcome:
    return MoveOutcome(
        market=MARKET,
        timeframe="1s",
        close_time_ms=close_time_ms,
        horizon_ms=60_000,
        target="volatility",
        model_name="ridge",
        model_version="1",
        realised=realised,
        still=False,
        qlike=0.25,
        baselines={"har": None},
        crps=None,
        inside_80=None,
        inside_90=True,
    )


def test_how_far_is_kept_as_it_was_said_first_and_deleted_with_its_age(store: Store) -> None:
    store.write([move_forecast(), move_forecast(mean=9.0), move_outcome(), move_forecast(1)])
    store.write([move_outcome(realised=9.0)])
    assert store.move_forecasts(MARKET, "1s", 0, 60_001) == [move_forecast(1), move_forecast()]
    assert store.move_outcomes(MARKET, "1s", 60_000, 60_001) == [move_outcome()]
    assert store.move_outcomes(MARKET, "1m", 0, 60_001) == []
    assert store.forget("move_forecasts", MARKET, "1s", 2) == 1
    assert store.forget("move_outcomes", MARKET, "1s", 70_000) == 1
    assert store.counts()["move_forecasts"] == 1


def test_the_span_of_predictions_goes_from_the_first_to_the_last_close(store: Store) -> None:
    assert store.prediction_span(MARKET, "1s") is None
    closes_ms = (5_000, 2_000, 9_000)
    store.write(
        [msgspec.structs.replace(prediction(), close_time_ms=close_ms) for close_ms in closes_ms]
    )
    assert store.prediction_span(MARKET, "1s") == (2_000, 9_000)
    assert store.prediction_span(MARKET, "1m") is None
    assert store.outcome_span(MARKET, "1s") is None
    store.write(
        [msgspec.structs.replace(outcome(), close_time_ms=close_ms) for close_ms in (7_000, 3_000)]
    )
    assert store.outcome_span(MARKET, "1s") == (3_000, 7_000)


def test_the_last_candles_before_a_time_come_the_oldest_first(store: Store) -> None:
    store.write([candle(time_ms) for time_ms in (0, 1_000, 2_000, 9_000)])
    for before_ms, opened in ((9_000, [1_000, 2_000]), (2_000, [0, 1_000]), (0, []), (2**70, None)):
        found = [one.open_time_ms for one in store.last_candles(MARKET, "1s", 2, before_ms)]
        assert found == ([2_000, 9_000] if opened is None else opened)


def test_old_rows_are_deleted_a_stretch_at_a_time_the_oldest_first(store: Store) -> None:
    store.write([candle(time_ms) for time_ms in range(0, 1_800_000, 60_000)])
    store.write([candle(9_000_000), msgspec.structs.replace(candle(), market="binance:ETH/USDT")])
    assert store.timeframes(MARKET) == ["1s"]
    deleted = []
    while not deleted or deleted[-1]:
        deleted.append(store.forget("candles", MARKET, "1s", 1_500_000))
    assert deleted == [10, 10, 5, 0]
    left = [one.open_time_ms for one in store.candles(MARKET, "1s", 0, 2**62)]
    assert left == [*range(1_500_000, 1_800_000, 60_000), 9_000_000]
    assert len(store.candles("binance:ETH/USDT", "1s", 0, 2**62)) == 1
    assert store.forget("outcomes", MARKET, "1s", 2**62) == 0


def test_candle_without_book_or_trades_comes_back_with_none(store: Store) -> None:
    bare = msgspec.structs.replace(candle(), bid=None, bid_quantity=None, first_trade_id=None)
    store.write([bare])
    assert store.last_candles(MARKET, "1s", 1) == [bare]


def test_range_holds_its_start_and_not_its_end_and_comes_in_order(store: Store) -> None:
    store.write([candle(time) for time in (3_000, 1_000, 0, 2_000)])
    assert [c.open_time_ms for c in store.candles(MARKET, "1s", 1_000, 3_000)] == [1_000, 2_000]


def test_range_may_reach_as_far_as_anybody_likes(store: Store) -> None:
    store.write([candle(1_000), gap(), stall()])
    for far in (2**63, 10**30):
        assert store.candles(MARKET, "1s", -far, far) == [candle(1_000)]
        assert store.gaps(MARKET, -far, far) == [gap()]
        assert store.stalls(MARKET, -far, far) == [stall()]
        assert store.predictions(MARKET, "1s", far, 2 * far) == []
        assert store.gaps(MARKET, far, 2 * far) == store.stalls(MARKET, far, 2 * far) == []


def test_range_holds_one_market_and_timeframe_only(store: Store) -> None:
    other_market = msgspec.structs.replace(candle(), market="binance:ETH/USDT")
    other_timeframe = msgspec.structs.replace(candle(), timeframe="1m")
    store.write([candle(), other_market, other_timeframe])
    assert store.candles(MARKET, "1s", 0, 1_000) == [candle()]
    assert store.last_candles(MARKET, "1m", 5) == [other_timeframe]


def test_last_candles_are_the_newest_with_the_oldest_first(store: Store) -> None:
    store.write([candle(time) for time in (0, 1_000, 2_000, 3_000)])
    assert [c.open_time_ms for c in store.last_candles(MARKET, "1s", 2)] == [2_000, 3_000]
    assert len(store.last_candles(MARKET, "1s", 100)) == 4


def test_best_writing_of_a_candle_wins_in_whatever_order_they_come(store: Store) -> None:
    best = candle(state="closed", revision=2)
    writings = [
        candle(state="forming", revision=0),
        candle(state="forming", revision=7),
        candle(state="closed", revision=1),
        best,
    ]
    for number, order in enumerate(permutations(writings)):
        store.write([msgspec.structs.replace(c, open_time_ms=number) for c in order])
        [kept] = store.candles(MARKET, "1s", number, number + 1)
        assert msgspec.structs.replace(kept, open_time_ms=0) == best, order


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    writings=st.lists(
        st.builds(
            candle,
            st.sampled_from([0, 1_000]),
            state=st.sampled_from(["forming", "closed"]),
            revision=st.integers(0, 2),
            close=st.floats(1, 9),
        ),
        max_size=8,
    ),
    split=st.integers(0, 8),
)
def test_one_batch_leaves_what_writing_one_by_one_leaves(
    store: Store, writings: list[Candle], split: int
) -> None:
    def kept(market: str, *batches: list[Candle]) -> list[Candle]:
        for batch in batches:
            store.write([msgspec.structs.replace(c, market=market) for c in batch])
        found = store.candles(market, "1s", 0, 2_000)
        return [msgspec.structs.replace(c, market="") for c in found]

    one_by_one = kept(f"{next(NUMBERS)}", *([c] for c in writings))
    assert kept(f"{next(NUMBERS)}", writings) == one_by_one
    assert kept(f"{next(NUMBERS)}", writings[:split], writings[split:]) == one_by_one


@pytest.mark.parametrize(
    "text", ['it\'s\t"here"\r\n', "\\N", "\\", "", "größe 東京 \U0001f680", "%s:x"]
)
def test_text_comes_back_whatever_is_in_it(store: Store, text: str) -> None:
    written = msgspec.structs.replace(candle(), market=text)
    store.write([written])
    assert store.candles(text, "1s", 0, 1) == [written]


def test_dead_letter_with_a_nul_character_does_not_stop_the_writing(store: Store) -> None:
    store.write([DeadLetter("binance", b"\0", "no number: \0", 1), candle()])
    [letter] = store.dead_letters(1)
    assert letter.raw == b"\0"
    assert letter.reason.startswith("no number: ")


def test_number_without_decimals_is_kept_as_a_price(store: Store) -> None:
    store.write([candle(close=2), candle(1_000, close=np.float64(0.1))])
    assert [c.close for c in store.last_candles(MARKET, "1s", 2)] == [2.0, 0.1]


def test_closed_candle_wins_over_a_forming_one_of_the_same_revision(store: Store) -> None:
    store.write([candle(state="forming", close=1.1)])
    store.write([candle(state="closed", close=1.2)])
    store.write([candle(state="forming", close=1.3)])
    assert store.candles(MARKET, "1s", 0, 1) == [candle(state="closed", close=1.2)]


def test_second_writing_of_one_revision_changes_nothing(store: Store) -> None:
    store.write([candle(revision=1, close=1.1)])
    store.write([candle(revision=1, close=1.2)])
    assert store.candles(MARKET, "1s", 0, 1) == [candle(revision=1, close=1.1)]


def test_first_writing_of_a_prediction_wins(store: Store) -> None:
    store.write([prediction(mid=100.0), prediction(mid=200.0)])
    store.write([prediction(mid=300.0)])
    assert store.predictions(MARKET, "1s", 0, 2_000) == [prediction(mid=100.0)]


def test_a_prediction_that_nobody_timed_comes_back_so(store: Store) -> None:
    untimed = msgspec.structs.replace(prediction(), made_at_ms=None, latency_us=None, late=False)
    store.write([untimed])
    assert store.predictions(MARKET, "1s", 0, 2_000) == [untimed]


def test_features_are_kept_once_a_close_and_feature_set(store: Store) -> None:
    other = features(feature_set="ffff", rsi=1.0)
    store.write([features(), features(rsi=2.0), other])
    store.write([features(rsi=3.0)])
    assert store.features(MARKET, "1s", 0, 2_000) == [features(), other]


@pytest.mark.parametrize("together", [True, False])
def test_the_newest_writing_of_a_gap_counts_until_it_is_no_longer_open(
    store: Store, *, together: bool
) -> None:
    writings = [gap(), gap(until_us=9), gap("repaired", until_us=9), gap(), gap("lost")]
    for number in range(1, len(writings) + 1):
        written = [msgspec.structs.replace(one, market=f"{number}") for one in writings[:number]]
        for batch in [written] if together else [[one] for one in written]:
            store.write(batch)
        [kept] = store.gaps(f"{number}", 0, 10_000)
        expected = writings[min(number, 3) - 1]
        assert kept == msgspec.structs.replace(expected, market=f"{number}")


def test_markets_are_those_that_have_candles(store: Store) -> None:
    assert store.markets() == []
    markets = ["binance:BTC/USDT", "binance:币安/USDT", "kraken:BTC/USD"]
    for market in reversed(markets):
        store.write([msgspec.structs.replace(candle(time), market=market) for time in (0, 1_000)])
    assert store.markets() == markets


def test_first_writing_of_an_outcome_wins(store: Store) -> None:
    store.write([outcome(realised_mid=100.5)])
    store.write([outcome(realised_mid=99.5)])
    assert store.outcomes(MARKET, "1s", 0, 2_000) == [outcome(realised_mid=100.5)]


def test_latest_model_is_the_one_trained_last_for_that_horizon(store: Store) -> None:
    store.write([model("2", 20), model("1", 10), model("9", 90, horizon_ms=1_000)])
    assert store.latest_model(MARKET, "1s", 2_000) == model("2", 20)
    assert store.latest_model(MARKET, "5s", 2_000) is None


def test_same_dead_letter_is_kept_once_and_the_newest_come_first(store: Store) -> None:
    letters = [DeadLetter("binance", b"x", "why", time) for time in (1, 2, 3)]
    store.write([*letters, DeadLetter("binance", b"x", "another reason", 3)])
    assert store.dead_letters(2) == [letters[2], letters[1]]
    assert store.counts()["dead_letters"] == 3


def test_identity_of_a_dead_letter_does_not_run_its_parts_together(store: Store) -> None:
    store.write([DeadLetter("a", b"bc", "why", 1), DeadLetter("ab", b"c", "why", 1)])
    assert store.counts()["dead_letters"] == 2


def test_failing_batch_leaves_nothing_behind(store: Store) -> None:
    price_that_is_no_number = candle(1_000, close=float("nan"))
    with pytest.raises(StateError):
        store.write([candle(0), price_that_is_no_number])
    assert store.counts()["candles"] == 0
    store.write([candle(0)])
    assert store.counts()["candles"] == 1


def test_rows_are_still_there_after_reopening(url: str) -> None:
    before = open_store(url)
    before.write([candle()])
    before.close()
    after = open_store(url)
    assert after.last_candles(MARKET, "1s", 1) == [candle()]
    after.close()


def test_threads_read_while_others_write(store: Store) -> None:
    def write(start: int) -> None:
        for number in range(start, start + 50):
            store.write([candle(number)])

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 50, 100)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert all(c.close == 1.5 for c in store.candles(MARKET, "1s", 0, 150))
    for thread in threads:
        thread.join()
    assert [c.open_time_ms for c in store.candles(MARKET, "1s", 0, 150)] == list(range(150))


def test_a_key_is_kept_under_a_name_of_its_own_until_it_is_revoked(store: Store) -> None:
    reader = ApiKey("charts", "read", "ab" * 32, 5_000)
    assert store.add_key(reader)
    assert not store.add_key(ApiKey("charts", "admin", "cd" * 32, 6_000))
    operator = ApiKey("Operator", "admin", "ef" * 32, 7_000)
    assert store.add_key(operator)
    assert store.api_keys() == [operator, reader]
    assert store.revoke_key("charts")
    assert not store.revoke_key("charts")
    assert store.api_keys() == [operator]
