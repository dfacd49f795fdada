"""What a database counts of outcomes is what counting each of them as it happens would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from marketstream.evidence import Evidence, Streams
from marketstream.messages import Outcome, Prediction, Role, Verdict
from marketstream.store.port import Store
from marketstream.store.sql import open_store

STREAMS = [Streams.foreseen(1_000, 1_000, 20), Streams.foreseen(5_000, 1_000, 20)]
NUMBERS = count()


@dataclass(frozen=True)
class Row:
    """A prediction and what came of it."""

    close_s: int
    horizon_ms: int
    verdict: Verdict
    rival: Verdict
    latency_ms: int = 20
    role: Role = "champion"
    late: bool = False


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def messages(market: str, row: Row) -> tuple[Prediction, Outcome]:
    same = (market, "1s", 1_000 * row.close_s, row.horizon_ms, row.role)
    prediction = Prediction(
        *same, "logistic", "7", row.latency_ms, mid=100.0, close=100.0, expected_return=0.0,
        predicted_price=100.0, p_up=0.5, p_flat=0.2, p_down=0.3, low=99.0, high=101.0, level=0.8,
        direction="up", reason=None, answers={}, late=row.late,
    )  # fmt: skip
    rivals: dict[str, Verdict] = {"majority": row.rival, "persistence": "abstained"}
    outcome = Outcome(
        *same, "7", realised_mid=100.0, realised_return=0.0, close_return=0.0,
        verdict=row.verdict, close_verdict=row.verdict, inside=True, baselines=rivals,
        late=row.late,
    )  # fmt: skip
    return prediction, outcome


def counted(store: Store, market: str, until_ms: int, **other: str) -> dict[int, Evidence]:
    kept = {each.horizon_ms: Evidence(each) for each in STREAMS}
    timeframe = other.get("timeframe", "1s")
    for tally in store.tallies(market, timeframe, until_ms, STREAMS):
        kept[tally.horizon_ms].add(tally)
    return kept


def happened(market: str, rows: Sequence[Row], kept: dict[int, Evidence]) -> dict[int, Evidence]:
    for row in sorted(rows, key=lambda row: row.close_s):
        _, outcome = messages(market, row)
        if row.role == "champion" and not row.late and row.horizon_ms in kept:
            kept[row.horizon_ms].happened(outcome, row.latency_ms)
    return kept


ROWS = st.lists(
    st.builds(
        Row,
        st.integers(0, 40),
        st.sampled_from([1_000, 5_000, 60_000]),
        st.sampled_from(["right", "wrong", "flat", "abstained"]),
        st.sampled_from(["right", "wrong", "abstained"]),
        st.sampled_from([0, 20, 500, 1_000, 1_001, 2_500]),
        st.sampled_from(["champion", "champion", "challenger"]),
        st.sampled_from([False, False, True]),
    ),
    max_size=30,
    unique_by=lambda row: (row.close_s, row.horizon_ms, row.role),
)


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ROWS, st.integers(0, 45))
def test_a_restart_anywhere_changes_nothing_of_what_is_proven(
    store: Store, rows: list[Row], stopped_s: int
) -> None:
    market = f"binance:N{next(NUMBERS)}/USDT"
    store.write([message for row in rows for message in messages(market, row)])
    never_stopped = happened(market, rows, {each.horizon_ms: Evidence(each) for each in STREAMS})
    restarted = counted(store, market, 1_000 * stopped_s)
    happened(market, [row for row in rows if row.close_s >= stopped_s], restarted)
    for horizon_ms, evidence in never_stopped.items():
        assert restarted[horizon_ms].proof() == evidence.proof()


def test_a_long_past_comes_as_few_rows(store: Store) -> None:
    rows = [Row(s, 5_000, "right" if s % 3 else "wrong", "right") for s in range(600)]
    store.write([message for row in rows for message in messages("binance:BTC/USDT", row)])
    tallies = store.tallies("binance:BTC/USDT", "1s", 10**12, STREAMS)
    assert len(tallies) <= 2 * 6
    assert sum(tally.outcomes for tally in tallies) == 600
    assert {tally.stream for tally in tallies} == set(range(6))


def test_years_are_counted_a_day_at_a_time(store: Store) -> None:
    market, days = "binance:LONG/USDT", range(0, 1_000, 5)
    rows = [Row(86_400 * day, 1_000, "right", "wrong") for day in days]
    store.write([message for row in rows for message in messages(market, row)])
    tallies = store.tallies(market, "1s", 10**12, STREAMS)
    assert len(tallies) == len(days)
    proof = counted(store, market, 86_400_000 * 400)[1_000].proof()
    assert (proof.outcomes, proof.since_ms, proof.until_ms) == (80, 0, 86_400_000 * 395)
    assert proof.verdict == "skill"


def test_other_markets_and_timeframes_are_no_part_of_it(store: Store) -> None:
    store.write([*messages("binance:BTC/USDT", Row(1, 1_000, "right", "wrong"))])
    assert counted(store, "binance:BTC/USDT", 2_000)[1_000].proof().outcomes == 1
    assert counted(store, "binance:ETH/USDT", 2_000)[1_000].proof().outcomes == 0
    assert counted(store, "binance:BTC/USDT", 2_000, timeframe="1m")[1_000].proof().outcomes == 0
    assert counted(store, "binance:BTC/USDT", 1_000)[1_000].proof().outcomes == 0
