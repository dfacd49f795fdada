from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from exchanges.counting import first_id_from
from exchanges.venue import HistoricTrade
from marketstream.messages import Trade

START_MS = 1_700_000_000_000
PAGE = 10


def market(steps: list[tuple[int, int]], first_id: int = 1) -> list[HistoricTrade]:
    """Trades by how far each is in ids and in ms from the one before."""
    number, time_ms, rows = first_id, START_MS, []
    for ids, passed_ms in steps:
        number, time_ms = number + ids, time_ms + passed_ms
        trade = Trade(number, 100.0, 1.0, "buy", time_ms * 1_000)
        rows.append(HistoricTrade(number, trade))
    return rows


class Exchange:
    """Answers with pages that are counted back, and counts them."""

    def __init__(self, rows: list[HistoricTrade]) -> None:
        self.rows = rows
        self.asked = 0

    async def fetch(self, page_id: int | None) -> list[HistoricTrade]:
        self.asked += 1
        assert self.asked < 200, "it goes round and round"
        return [row for row in self.rows if page_id is None or row.page_id < page_id + PAGE][-PAGE:]


def search(rows: list[HistoricTrade], from_ms: int) -> tuple[int, int]:
    exchange = Exchange(rows)
    return asyncio.run(first_id_from(exchange.fetch, PAGE, from_ms)), exchange.asked


steps_of_a_market = st.lists(
    st.tuples(
        st.just(1) | st.integers(1, 40) | st.integers(1, 10**6),
        st.integers(0, 2) | st.integers(0, 100_000),
    ),
    max_size=120,
)


@given(steps_of_a_market, st.integers(-10, 1_000_000), st.integers(0, 10**9))
def test_trades_from_the_id_on_are_those_at_a_time_or_after_it(
    steps: list[tuple[int, int]], passed_ms: int, first_id: int
) -> None:
    rows = market(steps, first_id)
    from_ms = START_MS + passed_ms
    found, _ = search(rows, from_ms)
    assert [row for row in rows if row.page_id >= found] == [
        row for row in rows if row.trade.time_us >= from_ms * 1_000
    ]


def test_an_hour_of_an_even_market_is_found_in_a_few_pages() -> None:
    rows = market([(1, 50)] * 100_000, first_id=600_000_000)
    found, asked = search(rows, rows[30_000].trade.time_us // 1_000)
    assert found == rows[30_000].page_id
    assert asked < 5


def test_a_market_that_never_traded_begins_with_any_id() -> None:
    assert search([], START_MS) == (0, 1)
