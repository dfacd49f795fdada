"""Rows as Arrow: whatever they are, Arrow's own library reads the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketstream.messages import Candle, Features, Outcome, Prediction
from marketstream.store.sql import open_store
from prediction_api.routes.arrow import ARROW, arrow_of
from prediction_api.routes.history import Judged
from prediction_api.routes.indicators import IndicatorsAt
from prediction_api.views.moves import JudgedMove

from .conftest import MARKET, Api

type Make[Made] = Callable[..., Made]

RANGE = "from=1970-01-01T00:00:00Z&to=1970-01-01T00:01:00Z"


class Row(msgspec.Struct):
    """A row of every type that fields have."""

    number: int | None
    size: float | None
    is_so: bool | None
    text: str
    side: Literal["buy", "sell"] | None
    values: dict[str, float | None]
    parts: tuple[int, ...] = ()


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
NUMBERS = st.floats(allow_nan=False)
ROWS = st.builds(
    Row,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | NUMBERS,
    st.none() | st.booleans(),
    TEXT,
    st.none() | st.sampled_from(["buy", "sell"]),
    st.dictionaries(NAMES, st.none() | NUMBERS, max_size=3),
)


def read(stream: bytes) -> pa.Table:
    table = pa.ipc.open_stream(stream).read_all()
    table.validate(full=True)
    return table


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROWS, max_size=40))
def test_whatever_is_written_is_read(rows: list[Row]) -> None:
    table = read(arrow_of(Row, rows))
    named = dict.fromkeys(name for row in rows for name in row.values)
    assert table.column_names == ["number", "size", "is_so", "text", "side", *named]
    assert table.schema.types[:4] == [pa.int64(), pa.float64(), pa.bool_(), pa.string()]
    assert all(kind == pa.float64() for kind in table.schema.types[5:])
    for index, name in enumerate(table.column_names):
        is_field = index < 5
        wanted = [getattr(row, name) if is_field else row.values.get(name) for row in rows]
        assert table.column(index).to_pylist() == wanted


@pytest.mark.parametrize("kind", [Candle, Judged, JudgedMove, IndicatorsAt])
def test_no_rows_have_the_columns_of_their_fields(kind: type[msgspec.Struct]) -> None:
    table = read(arrow_of(kind, []))
    assert table.num_rows == 0
    fields = {field.name for field in msgspec.structs.fields(kind)}
    assert set(table.column_names) == fields - {"values", "depth", "context"}


@pytest.fixture
def stored(
    make_api: Make[Api], tmp_path: Path, make_candle: Make[Candle],
    make_prediction: Make[Prediction], make_outcome: Make[Outcome],
) -> Iterator[Api]:  # fmt: skip
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as store:
        values = [{"rsi_14": 50.0, "ema_20": None}, {"rsi_14": 51.5, "atr_14": 0.25}]
        for second, told in enumerate(values, start=10):
            at_ms = 1_000 * second
            store.write(
                [
                    make_candle(at_ms), make_prediction(at_ms),
                    Features(MARKET, "1s", at_ms, told, 100.0, 101.0, 100.5, "ab12"),
                    make_prediction(at_ms, horizon_ms=2_000),
                ]
            )  # fmt: skip
        store.write([make_outcome(10_000)])
        yield make_api(store=store)


@pytest.mark.parametrize("path", ["candles/BTC-USDT", "predictions/BTC-USDT/history"])
def test_arrow_has_the_rows_of_json_and_the_columns_of_csv(stored: Api, path: str) -> None:
    url = f"/{path}?{RANGE}&format="
    answer = stored.client.get(f"{url}arrow")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == ARROW
    table = read(answer.content)
    rows = stored.client.get(f"{url}json").json()["rows"]
    assert len(rows) >= 2
    assert table.to_pylist() == [{name: row[name] for name in table.column_names} for row in rows]
    header = next(csv.reader(io.StringIO(stored.client.get(f"{url}csv").text)))
    assert table.column_names == [name for name in header if name not in {"depth", "context"}]
    again = stored.client.get(f"{url}arrow", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_each_indicator_is_a_column_whichever_close_has_it(stored: Api) -> None:
    table = read(stored.client.get(f"/indicators/BTC-USDT?{RANGE}&format=arrow").content)
    assert table.column_names[-3:] == ["rsi_14", "ema_20", "atr_14"]
    assert table.column("rsi_14").to_pylist() == [50.0, 51.5]
    assert table.column("atr_14").to_pylist() == [None, 0.25]
    assert table.column("complete").type == pa.bool_()


def test_a_page_names_the_next_in_its_link(stored: Api) -> None:
    answer = stored.client.get(f"/candles/BTC-USDT?{RANGE}&limit=11&format=arrow")
    assert read(answer.content).num_rows == 1
    assert 'rel="next"' in answer.headers["link"]
    following = answer.headers["link"].split(">")[0].removeprefix("<")
    assert "format=arrow" in following
    assert read(stored.client.get(following).content).num_rows == 1


def test_nothing_is_an_empty_table(stored: Api) -> None:
    answer = stored.client.get("/candles/BTC-USDT?from=2020-01-01&to=2020-01-02&format=arrow")
    assert read(answer.content).num_rows == 0
