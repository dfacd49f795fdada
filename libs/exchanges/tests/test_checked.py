from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges._template import VENUE as TEMPLATE
from exchanges.binance import VENUE as BINANCE
from exchanges.checked import Checked, check_klines, check_trades
from exchanges.venue import HistoricTrade, Page, Venue
from marketstream.errors import NetworkError
from marketstream.klines import Kline
from marketstream.messages import Trade
from marketstream.orders import longest_rising

START_MS = 1_723_161_255_000
FIRST_ID = 1_000


def row(number: int, **changed: Any) -> HistoricTrade:
    fields: dict[str, Any] = {
        "id": FIRST_ID + number,
        "price": 100.0 + number % 7,
        "quantity": 1.0 + number,
        "taker": "buy",
        "time_us": (START_MS + 10 * number) * 1_000,
    }
    trade = Trade(**(fields | changed))
    return HistoricTrade(changed.get("id", trade.id), trade)


ROWS = [row(number) for number in range(20)]


def check(rows: list[HistoricTrade], **options: Any) -> Checked:
    asked: dict[str, Any] = {"page_id": FIRST_ID, "from_ms": START_MS}
    return check_trades(Page(rows), "BTC/USDT", **(asked | options))


def test_a_true_page_is_believed_as_it_is() -> None:
    checked = check(ROWS, reference_price=100.0, now_ms=START_MS + 200)
    assert checked == Checked(ROWS, 20, ())
    assert check([]) == Checked([], 0, ())


def test_disorder_is_put_in_order_and_what_came_twice_counts_once() -> None:
    assert check(ROWS[::-1] + ROWS[3:6]) == Checked(ROWS, 23, ())


def test_a_hole_stays_a_hole() -> None:
    assert check(ROWS[:5] + ROWS[9:]) == Checked(ROWS[:5] + ROWS[9:], 16, ())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"price": float("nan")}, "no trade"),
        ({"price": float("inf")}, "no trade"),
        ({"price": 0.0}, "no trade"),
        ({"quantity": -1.0}, "no trade"),
        ({"price": 1e17}, "far from 100"),
        ({"price": 49.0}, "far from 100"),
        ({"time_us": START_MS}, "no time in µs"),
        ({"time_us": START_MS * 1_000_000}, "no time in µs"),
        ({"time_us": (START_MS + 86_400_000) * 1_000}, "ahead of the exchange's clock"),
        ({"time_us": (START_MS - 86_400_000) * 1_000}, "its time is out of order"),
        ({"id": FIRST_ID - 1}, "asked for 1000 and on, answered 999"),
        ({"id": 10**15}, "far from those beside it"),
        ({"count": 0}, "it is 0 fills"),
        ({"count": 10**9}, "it is 1000000000 fills"),
        ({"count": 5}, "fills of the one before"),
        ({"id": FIRST_ID + 4}, "it came twice, and not the same"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_alone(changed: dict[str, Any], reason: str) -> None:
    rows = [*ROWS[:10], row(10, **changed), *ROWS[11:]]
    checked = check(rows, reference_price=100.0, now_ms=START_MS + 1_000)
    assert all(one in ROWS for one in checked.trades)
    assert 18 <= len(checked.trades) <= 19
    assert checked.rows == 20
    assert len(checked.trades) + len(checked.refused) == 20
    assert all(reason in one and "BTC/USDT" in one for one in checked.refused)


def test_another_markets_page_is_refused_whole() -> None:
    others = [row(number, price=2_500.0) for number in range(20)]
    mixed = check(ROWS[:8] + others[8:], reference_price=100.0)
    assert mixed.trades == []
    assert len(mixed.refused) == 20
    assert check(ROWS[:12] + others[12:], reference_price=100.0).trades == ROWS[:12]


def test_a_page_by_time_begins_there() -> None:
    late = check(ROWS, page_id=None, from_ms=START_MS + 3_600_000)
    assert late.trades == []
    assert "from which on it was asked for" in late.refused[0]


def test_pages_end_where_they_do_not_go_on() -> None:
    assert check(ROWS).next_page_id(20) == FIRST_ID + 20
    assert check(ROWS).next_page_id(21) is None
    assert check(ROWS, page_id=FIRST_ID + 20).next_page_id(20) is None  # the same page once more


@given(st.lists(st.integers(0, 20), max_size=30), st.booleans())
def test_the_longest_rise_is_one_and_as_long_as_can_be(values: list[int], strictly: bool) -> None:
    positions = longest_rising(values, strictly=strictly)
    chosen = [values[position] for position in positions]
    assert positions == sorted(set(positions))
    assert chosen == (sorted(set(chosen)) if strictly else sorted(chosen))
    best: list[int] = []
    for place, value in enumerate(values):
        before = [best[i] for i in range(place) if values[i] < value + (not strictly)]
        best.append(1 + max(before, default=0))
    assert len(positions) == max(best, default=0)


def binance_rows() -> list[dict[str, Any]]:
    return [
        {
            "a": FIRST_ID + number, "p": f"{100 + number % 7}.5", "q": "0.5", "f": 2 * number,
            "l": 2 * number + number % 2, "T": START_MS + 10 * number, "m": number % 3 == 0,
        }
        for number in range(12)
    ]  # fmt: skip


def template_rows() -> list[dict[str, Any]]:
    return [
        {
            "id": FIRST_ID + number, "price": f"{100 + number % 7}.5", "size": "0.5",
            "side": "buy", "time_ms": START_MS + 10 * number,
        }
        for number in range(12)
    ]  # fmt: skip


def binance_body(rows: list[Any]) -> bytes:
    return json.dumps(rows).encode()


def template_body(rows: list[Any]) -> bytes:
    return json.dumps({"symbol": "BTC-USDT", "trades": rows}).encode()


SAYS = [(BINANCE, binance_rows(), binance_body), (TEMPLATE, template_rows(), template_body)]
NONSENSE = [None, 7, [], {}, "", "text", "NaN", "-1", "0", "1e400", "Infinity", -1, 10**30, True]
NO_FIELD = [None, [], {}, "NaN", "-1", "1e400", "Infinity", -1, 1.5e300]


@st.composite
def mutilated(draw: st.DrawFn, rows: list[dict[str, Any]]) -> list[Any]:
    """Rows dropped, repeated, shuffled, of another market or time, or with nonsense in them."""
    said: list[Any] = list(rows)
    for _ in range(draw(st.integers(1, 4))):
        if not said:
            break
        at = draw(st.integers(0, len(said) - 1))
        kind = draw(st.sampled_from(["drop", "repeat", "shuffle", "other", "nonsense", "unit"]))
        if kind == "drop":
            del said[at : at + draw(st.integers(1, 5))]
        elif kind == "repeat":
            said.insert(draw(st.integers(0, len(said))), said[at])
        elif kind == "shuffle":
            said = draw(st.permutations(said))
        elif not isinstance(said[at], dict) or not said[at]:
            continue
        elif kind == "other":
            name = "p" if "p" in said[at] else "price"
            said[at] = said[at] | {name: draw(st.sampled_from(["2500", "0.001", "49", "207"]))}
        elif kind == "unit":
            name = "T" if "T" in said[at] else "time_ms"
            factor = draw(st.sampled_from([1_000, 1_000_000]))
            said[at] = said[at] | {name: START_MS * factor}
        else:
            name = draw(st.sampled_from(sorted(said[at])))
            said[at] = draw(
                st.sampled_from(NONSENSE)
                | st.sampled_from(NO_FIELD).map(
                    lambda bad, one=said[at], key=name: one | {key: bad}
                )
                | st.just({key: value for key, value in said[at].items() if key != name})
            )
    return said


@pytest.mark.parametrize(("venue", "rows", "body_of"), SAYS, ids=["binance", "template"])
@given(st.data())
def test_a_mutilated_page_never_gives_a_trade_that_was_not_truly_in_it(
    venue: Venue, rows: list[dict[str, Any]], body_of: Any, data: st.DataObject
) -> None:
    true = venue.rest.parse_trades("BTC/USDT", 200, body_of(rows)).trades
    said = data.draw(mutilated(rows))
    body = body_of(said)
    body = body[: data.draw(st.just(len(body)) | st.integers(0, len(body)))]
    try:
        page = venue.rest.parse_trades("BTC/USDT", 200, body)
    except NetworkError:
        return
    checked = check_trades(
        page, "BTC/USDT", page_id=FIRST_ID, from_ms=0, reference_price=103.0,
        now_ms=START_MS + 1_000,
    )  # fmt: skip
    assert all(one in true for one in checked.trades)
    ids = [one.page_id for one in checked.trades]
    assert ids == sorted(set(ids))
    assert checked.rows == len(said)


KLINE = Kline(START_MS, "2", "3", "1", "2.5", "10", START_MS + 59_999, "20", 4, "5", "10")


@pytest.mark.parametrize(
    ("place", "value"),
    [(1, "4"), (2, "0.5"), (3, "-1"), (3, "nan"), (4, "inf"), (5, "-1"), (5, "x"), (0, 7)],
)
def test_a_kline_that_makes_no_sense_is_refused(place: int, value: Any) -> None:
    assert check_klines([KLINE], "BTC/USDT") == [KLINE]
    fields = [getattr(KLINE, name) for name in Kline.__struct_fields__]
    fields[place] = value
    with pytest.raises(NetworkError):
        check_klines([KLINE, Kline(*fields)], "BTC/USDT")
