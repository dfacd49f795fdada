"""What RisingWave is told: parsed in its dialect, and its views executed on PostgreSQL.

RisingWave itself does not run here. docs/risingwave.md says what that leaves unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import sqlglot
from sqlglot import exp

from candles.aggregation import CandleAggregator
from exchanges.catalogue import venue_named
from marketstream.errors import InputError, StateError, TransientStateError
from marketstream.messages import (
    Candle,
    Features,
    Gap,
    GapState,
    Message,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Said,
    Stall,
    Trade,
    Trades,
    Verdict,
)
from marketstream.recordings import read_frames
from marketstream.settings import SystemSettings, load_settings
from marketstream.store.postgresql import postgres_url
from marketstream.store.risingwave import (
    File,
    Place,
    RisingWaveSettings,
    apply,
    migrate,
    read_files,
    split_statements,
)
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer, postgres_server
from marketstream.testing import free_port
from marketstream.timeframes import duration_ms
from marketstream.topics import (
    CANDLES,
    DEAD_LETTERS,
    FEATURES,
    GAPS,
    MOVE_FORECASTS,
    MOVE_OUTCOMES,
    OUTCOMES,
    PREDICTIONS,
    TRADES,
    Topic,
)
from prediction_api.views.moves import score_of
from predictor.settings import DEFAULT_FEATURES
from storekeeper.settings import RetentionSettings
from trades.replay import replay_frames
from trades.session.market import MarketSession
from trades.session.rules import Rules

FOLDER = Path(__file__).resolve().parents[1] / "risingwave"
MARKET = "binance:BTC/USDT"
VALUES = {
    "KAFKA_BROKER": "kafka:9092",
    "POSTGRES_HOST": "postgres",
    "POSTGRES_PORT": "5432",
    "POSTGRES_DB": "crypto_predictions",
    "POSTGRES_USER": "admin",
    "POSTGRES_PASSWORD": "it's",
}
STATEMENTS = [s for file in read_files(FOLDER, VALUES) for s in file.statements]
TABLES = [s for file in read_files(FOLDER / "postgresql", VALUES) for s in file.statements]
READ = (
    TRADES, CANDLES, FEATURES, PREDICTIONS, OUTCOMES, MOVE_FORECASTS, MOVE_OUTCOMES, GAPS,
    DEAD_LETTERS,
)  # fmt: skip
TOPICS = {topic.name: topic for topic in READ}
KINDS = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE PRECISION", bool: "BOOLEAN"}

# The parser knows no name for these; what it is left with has to be understood without them.
ON_CLOSE = re.compile(r"\nEMIT ON WINDOW CLOSE$")
APPEND_ONLY = re.compile(r"\) APPEND ONLY ON CONFLICT DO NOTHING ")
INTO = re.compile(r"^(CREATE SINK IF NOT EXISTS \w+) INTO (\w+) AS")
WATERMARK = re.compile(r",\s+WATERMARK FOR (\w+) AS \1 - INTERVAL '\d+ seconds'")
TUMBLE = re.compile(r"TUMBLE\((\w+), (\w+), INTERVAL '(\d+ \w+)'\)")


def name_of(statement: str) -> str:
    found = re.match(r"(?:CREATE|DROP) [A-Z ]+ IF (?:NOT )?EXISTS ([\w.]+)", statement)
    assert found is not None, statement
    return found[1]


def understood(statement: str) -> str:
    return INTO.sub(r"\1 AS", APPEND_ONLY.sub(") ", ON_CLOSE.sub("", statement)))


def by_kind(kind: str) -> dict[str, str]:
    start = f"CREATE {kind} IF NOT EXISTS"
    return {name_of(s): s for s in STATEMENTS if s.startswith(start)}


@pytest.mark.parametrize("statement", [*STATEMENTS, *TABLES], ids=name_of)
def test_statement_is_one_of_the_dialect_and_may_be_repeated(statement: str) -> None:
    (parsed,) = sqlglot.parse(understood(statement), dialect="risingwave")
    assert isinstance(parsed, exp.Create | exp.Drop), f"not understood, so not checked: {statement}"
    assert parsed.args["exists"]


def test_clauses_the_parser_does_not_know_stand_where_risingwave_wants_them() -> None:
    closing = [s for s in STATEMENTS if "EMIT ON WINDOW CLOSE" in s]
    assert [name_of(s) for s in closing] == ["candles_of_trades"]
    assert all(ON_CLOSE.search(s) and "GROUP BY market, window_start" in s for s in closing)
    appended = [s for s in STATEMENTS if "APPEND ONLY" in s]
    assert [name_of(s) for s in appended] == ["single_trades"]
    assert all(APPEND_ONLY.search(s) and WATERMARK.search(s) for s in appended)
    into = [s for s in STATEMENTS if " INTO " in s]
    assert [INTO.match(s)[2] for s in into] == ["single_trades"]  # type: ignore[index]


def test_sources_are_the_topics_with_the_fields_and_types_of_their_messages() -> None:
    sources = by_kind("SOURCE")
    assert sorted(sources) == sorted(TOPICS)
    for name, statement in sources.items():
        assert f"topic = '{name}'" in statement
        columns = columns_of(statement)
        fields = {field.name: field.type for field in msgspec.structs.fields(TOPICS[name].message)}
        assert set(columns) <= set(fields)
        assert columns == {column: kind_of(fields[column]) for column in columns}


def columns_of(statement: str) -> dict[str, str]:
    parsed = sqlglot.parse_one(understood(statement), dialect="risingwave")
    return {
        column.name: column.args["kind"].sql("risingwave")
        for column in parsed.find_all(exp.ColumnDef)
    }


def kind_of(annotation: object) -> str:
    parts = getattr(annotation, "__args__", ()) or (annotation,)
    kinds = {KINDS[part] for part in parts if part in KINDS}
    if getattr(annotation, "__origin__", None) in (dict, tuple):
        return "JSONB"
    return kinds.pop() if kinds else "VARCHAR"  # a Literal, or an alias of one


def test_feature_table_has_the_features_that_models_use() -> None:
    view = by_kind("MATERIALIZED VIEW")["feature_table"]
    assert re.findall(r"'(\w+)'\)::DOUBLE PRECISION AS (\w+)", view) == [
        (name, name) for name in DEFAULT_FEATURES
    ]


def test_a_quote_in_a_password_ends_no_literal() -> None:
    assert all("password = 'it''s'" in statement for statement in sinks())


def sinks() -> list[str]:
    return [s for s in by_kind("SINK").values() if "connector = 'postgres'" in s]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture
def database(server: PostgresServer) -> Iterator[psycopg.Connection]:
    """An empty database with the sources as tables and the views as views."""
    with psycopg.connect(server.url(server.new_database()), autocommit=True) as connection:
        for statement in [CLOCK, *AGGREGATES, *map(on_postgresql, STATEMENTS), *TABLES]:
            connection.execute(statement.encode())
        yield connection


# As aggregates PostgreSQL lacks these two; everything else runs as it is written.
AGGREGATES = [
    f"CREATE FUNCTION keep_{which}(DOUBLE PRECISION, DOUBLE PRECISION) RETURNS DOUBLE PRECISION "
    f"LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ${place}'; "
    f"CREATE AGGREGATE {which}_value(DOUBLE PRECISION) "
    f"(SFUNC = keep_{which}, STYPE = DOUBLE PRECISION)"
    for which, place in (("first", 1), ("last", 2))
]
# What the clock says is up to the test, and 1970 where it does not.
CLOCK = (
    "CREATE FUNCTION told_now() RETURNS TIMESTAMPTZ LANGUAGE sql STABLE AS "
    "$$SELECT to_timestamp(coalesce(nullif(current_setting('test.now_s', TRUE), ''), '0')::FLOAT)$$"
)

INCLUDED = {
    "INCLUDE timestamp": "published_at TIMESTAMPTZ",
    "INCLUDE offset": "published_offset TEXT",
}


def on_postgresql(statement: str) -> str:
    """Return what PostgreSQL runs in the place of a statement: tables, and views of them."""
    if statement.startswith("CREATE SOURCE"):
        columns, _, rest = statement.partition("\n)")
        published = "".join(f",\n {INCLUDED[kind]}" for kind in INCLUDED if kind in rest)
        return columns.replace("CREATE SOURCE", "CREATE TABLE") + published + ")"
    if statement.startswith("DROP"):
        return statement.replace("MATERIALIZED ", "").replace("SOURCE", "TABLE")
    if statement.startswith("CREATE TABLE"):
        return WATERMARK.sub("", statement).partition(") APPEND")[0] + ")"
    if statement.startswith("CREATE SINK"):
        found = re.search(r" INTO (\w+) AS\n(.*)\nWITH \(", statement, re.DOTALL)
        return "" if found is None else f"CREATE VIEW into_{found[1]} AS {found[2]}"
    body = statement.removeprefix("CREATE MATERIALIZED VIEW IF NOT EXISTS")
    body = TUMBLE.sub(
        r"(SELECT *, date_bin('\3', \2, TIMESTAMPTZ '1970-01-01Z') AS window_start FROM \1)"
        r" AS tumbled",
        ON_CLOSE.sub("", body),
    )
    return f"CREATE VIEW {body.replace('NOW()', 'told_now()')}"


def publish(
    database: psycopg.Connection, topic: Topic, messages: Iterable[Message], at_ms: int = 0
) -> None:
    """Put messages on a topic as a service writes them."""
    with database.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {topic.name} SELECT * FROM "
            f"jsonb_populate_record(NULL::{topic.name}, %s::jsonb || jsonb_build_object("
            "'published_at', to_timestamp(%s / 1000.0), "
            f"'published_offset', (SELECT count(*) FROM {topic.name})))".encode(),
            [(msgspec.json.encode(message).decode(), at_ms) for message in messages],
        )


def take_apart(database: psycopg.Connection) -> None:
    database.execute(
        "INSERT INTO single_trades SELECT * FROM into_single_trades ON CONFLICT DO NOTHING"
    )


def rows(database: psycopg.Connection, view: str) -> list[dict[str, object]]:
    cursor = database.execute(f"SELECT * FROM {view}".encode())
    assert cursor.description is not None
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def test_sinks_write_tables_that_have_what_their_views_have(database: psycopg.Connection) -> None:
    described = (
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
    )
    assert len(sinks()) == 5
    for sink in sinks():
        found = re.search(r"FROM (\w+) WITH .*table = '(\w+)'", sink, re.DOTALL)
        assert found is not None
        view, table = found.groups()
        columns = database.execute(described, ("public", view)).fetchall()
        assert columns == database.execute(described, ("risingwave", table)).fetchall()
        key = database.execute(
            "SELECT string_agg(a.attname, ',' ORDER BY array_position(i.indkey, a.attnum)) "
            "FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = ANY (i.indkey) WHERE i.indisprimary AND i.indrelid = %s::regclass",
            (f"risingwave.{table}",),
        ).fetchone()
        assert key is not None
        assert f"primary_key = '{key[0]}'" in sink


@pytest.mark.data
def test_second_opinion_on_a_recorded_market_agrees_and_names_what_was_tampered_with(
    database: psycopg.Connection, market_data: Path
) -> None:
    messages = recorded(market_data)
    aggregator = CandleAggregator(MARKET, ["250ms", "1s"])
    candles = [candle for message in messages for candle in aggregator.update(message)]
    publish(database, TRADES, messages)
    publish(database, CANDLES, candles)
    take_apart(database)
    take_apart(database)  # a message that Kafka brings twice
    newest = {candle.identity: candle for candle in candles}
    seconds = [candle for candle in newest.values() if candle.timeframe == "1s"]
    traded = {candle.open_time_ms for candle in seconds if candle.trade_count}
    assert len(traded) > 500
    opinions = rows(database, "candles_of_trades")
    assert sum(int(str(row["trade_count"])) for row in opinions) > 19_000
    # The last second has not closed here, so there is no candle of ours yet.
    unclosed = {row["open_time_ms"] for row in rows(database, "candle_differences")}
    assert unclosed == {opened_ms(row) for row in opinions} - traded
    assert len(unclosed) <= 1

    wrong = seconds[100]
    publish(database, CANDLES, [msgspec.structs.replace(wrong, high=wrong.high + 1, revision=9)])
    difference = [
        row for row in rows(database, "candle_differences") if row["open_time_ms"] not in unclosed
    ]
    assert [(row["open_time_ms"], row["our_high"], row["their_high"]) for row in difference] == [
        (wrong.open_time_ms, wrong.high + 1, wrong.high)
    ]


def test_trades_at_the_edges_of_a_second_are_in_the_same_candle_there_and_here(
    database: psycopg.Connection,
) -> None:
    second_us = 1_723_161_600_000_000
    times_us = [0, 1, 999_999, 1_000_000, 1_999_999, 2_000_000]
    trades = [
        # The third is three fills, as history has them: ids 103 to 105.
        Trade(101 + place + 2 * (place >= 2), 100.0 + place, 0.5, "buy" if place % 2 else "sell",
              second_us + time_us, 3 if place == 2 else 1)
        for place, time_us in enumerate(times_us)
    ]  # fmt: skip
    messages = [
        Trades(MARKET, tuple(trades), None, second_us + 2_500_000, 2, 5),
        Trades(MARKET, (), None, second_us + 3_000_000, 2, 5),
    ]
    aggregator = CandleAggregator(MARKET, ["1s"])
    candles = [candle for message in messages for candle in aggregator.update(message)]
    publish(database, TRADES, messages)
    publish(database, CANDLES, candles)
    take_apart(database)
    assert [candle.trade_count for candle in candles] == [5, 2, 1]
    assert [row["trade_count"] for row in rows(database, "candles_of_trades")] == [5, 2, 1]
    assert rows(database, "candle_differences") == []


def opened_ms(row: dict[str, object]) -> int:
    opened_at = row["opened_at"]
    assert isinstance(opened_at, datetime)
    return round(opened_at.timestamp() * 1_000)


def recorded(market_data: Path) -> list[Trades]:
    messages: list[Trades | Gap | Stall] = []
    session = MarketSession(
        MARKET,
        lambda message, _: messages.append(message),
        Rules(price_decimals=2, quantity_decimals=5),
    )
    replay_frames(
        read_frames(sorted((market_data / "trades").glob("binance-spot-BTCUSDT-*.frames.gz"))),
        venue_named("binance").stream(["BTC/USDT"], "binance"),
        {MARKET: session},
        lambda letter: pytest.fail(letter.reason),
    )
    return [message for message in messages if isinstance(message, Trades)]


PREDICTION = Prediction(
    market=MARKET, timeframe="1s", close_time_ms=10_000, horizon_ms=2_000, role="champion",
    model_name="lightgbm", model_version="7", label_latency_ms=0, mid=100.0, close=100.1,
    expected_return=1e-5, predicted_price=100.001, p_up=0.5, p_flat=0.2, p_down=0.3, low=99.9,
    high=100.1, level=0.8, direction="up", reason=None, answers={},
)  # fmt: skip


def outcome(close_time_ms: int, verdict: Verdict) -> Outcome:
    return Outcome(
        market=MARKET, timeframe="1s", close_time_ms=close_time_ms, horizon_ms=2_000,
        role="champion", model_version="7", realised_mid=100.0, realised_return=0.0,
        close_return=0.0, verdict=verdict, close_verdict=verdict, inside=verdict != "wrong",
        baselines={},
    )  # fmt: skip


def test_the_first_writing_of_the_newest_prediction_is_the_latest(
    database: psycopg.Connection,
) -> None:
    replace = msgspec.structs.replace
    publish(database, PREDICTIONS, [PREDICTION], 10_001)
    newest = replace(PREDICTION, close_time_ms=11_000, mid=101.0)
    publish(database, PREDICTIONS, [newest], 11_001)
    publish(database, PREDICTIONS, [replace(newest, mid=999.0)], 11_002)
    publish(database, PREDICTIONS, [replace(newest, close_time_ms=12_000, preview=True)], 11_003)
    publish(database, PREDICTIONS, [replace(newest, close_time_ms=12_000, role="challenger")])
    (latest,) = rows(database, "latest_predictions")
    assert (latest["close_time_ms"], latest["for_ms"], latest["mid"]) == (11_000, 13_000, 101.0)


def test_accuracy_leaves_out_abstentions_and_what_came_too_late(
    database: psycopg.Connection,
) -> None:
    verdicts: list[Verdict] = ["right", "right", "wrong", "flat", "abstained", "wrong"]
    for place, verdict in enumerate(verdicts):
        close_ms = 10_000 + place * 1_000
        prediction = msgspec.structs.replace(PREDICTION, close_time_ms=close_ms, late=place == 5)
        publish(database, PREDICTIONS, [prediction], close_ms + 1)
        publish(database, OUTCOMES, [outcome(close_ms, verdict)], close_ms + 2_000)
        publish(database, OUTCOMES, [outcome(close_ms, "wrong")], close_ms + 2_001)
    (row,) = rows(database, "model_accuracy")
    assert (row["model_name"], row["outcomes"], row["abstentions"], row["moved"]) == (
        "lightgbm", 5, 1, 3,
    )  # fmt: skip
    assert row["accuracy"] == pytest.approx(2 / 3)
    assert row["accuracy_all"] == pytest.approx(2 / 4)
    assert row["coverage"] == pytest.approx(4 / 5)


def test_feature_table_lays_out_closed_vectors_only(database: psycopg.Connection) -> None:
    vector = Features(
        market=MARKET, timeframe="1s", close_time_ms=10_000,
        values={"rsi_14": 41.5, "spread": None}, bid=99.0, ask=101.0, close=100.5,
        feature_set="abc",
    )  # fmt: skip
    replace = msgspec.structs.replace
    publish(database, FEATURES, [vector, vector], 10_001)
    publish(database, FEATURES, [replace(vector, close_time_ms=11_000, forming=True)], 10_500)
    publish(database, FEATURES, [replace(vector, timeframe="250ms", values={})], 10_001)
    (row,) = rows(database, "feature_table")
    assert (row["close_time_ms"], row["mid"], row["rsi_14"], row["spread"]) == (
        10_000, 100.0, 41.5, None,
    )  # fmt: skip


def test_only_the_highest_revision_of_a_closed_candle_counts(database: psycopg.Connection) -> None:
    candle = Candle(
        market=MARKET, timeframe="1s", open_time_ms=10_000, close_time_ms=11_000, open=1.0,
        high=2.0, low=1.0, close=2.0, volume=3.0, quote_volume=4.0, trade_count=2,
        taker_buy_volume=0.0, taker_buy_quote_volume=0.0,
    )  # fmt: skip
    replace = msgspec.structs.replace
    revised = replace(candle, high=5.0, revision=1)
    forming = replace(candle, state="forming", revision=9)
    publish(database, CANDLES, [candle, revised, candle, forming])
    (row,) = rows(database, "closed_candles")
    assert (row["high"], row["revision"]) == (5.0, 1)


def test_what_postgresql_has_forgotten_is_forgotten_here(database: psycopg.Connection) -> None:
    candle = Candle(
        MARKET, "1s", 0, 1_000, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 2, 0.0, 0.0
    )  # fmt: skip
    long = msgspec.structs.replace(candle, timeframe="1m", close_time_ms=60_000)
    vector = Features(MARKET, "1s", 1_000, {"rsi_14": 41.5}, 99.0, 101.0, 100.0, "abc")
    published_ms = candle.close_time_ms
    publish(database, CANDLES, [candle, long], published_ms)
    publish(database, FEATURES, [vector], published_ms)
    publish(database, PREDICTIONS, [PREDICTION], published_ms)
    publish(database, OUTCOMES, [outcome(PREDICTION.close_time_ms, "right")], published_ms)
    publish(database, MOVE_FORECASTS, [FORECAST], published_ms)
    publish(database, MOVE_OUTCOMES, [MOVED], published_ms)
    kept = RetentionSettings()
    views = {
        "closed_candles": (kept.fine_candles, 2, 1),
        "feature_table": (kept.features, 1, 0),
        "first_predictions": (kept.predictions, 1, 0),
        "first_outcomes": (kept.outcomes, 1, 0),
        "model_accuracy": (kept.outcomes, 1, 0),
        "latest_predictions": (kept.predictions, 1, 0),
        "latest_moves": (kept.predictions, 1, 0),
        "first_move_outcomes": (kept.outcomes, 1, 0),
        "move_scores": (kept.outcomes, 1, 0),
    }
    for view, (length, before, after) in views.items():
        assert length is not None
        end_ms = published_ms + duration_ms(length)
        for now_ms, left in ((end_ms - 1, before), (end_ms + 1, after)):
            database.execute(f"SET test.now_s = '{now_ms / 1_000}'".encode())
            assert len(rows(database, view)) == left, view


QUANTILES = tuple(1e-8 * (1 + place) ** 2 for place in range(19))
FORECAST = MoveForecast(
    MARKET, "1s", 60_000, 300_000, "volatility", "ridge", "7", "mid", 250, 4e-6, QUANTILES,
    {"har": 5e-6},
)  # fmt: skip
MOVED = MoveOutcome(
    MARKET, "1s", 60_000, 300_000, "volatility", "ridge", "7", 4e-6, still=False, qlike=0.2,
    baselines={"har": 0.4, "ewma": None}, crps=0.3, inside_80=False, inside_90=True,
)  # fmt: skip


def test_how_far_is_what_was_said_first_at_the_newest_close(database: psycopg.Connection) -> None:
    replace = msgspec.structs.replace
    publish(database, MOVE_FORECASTS, [FORECAST], 60_001)
    newest = replace(FORECAST, close_time_ms=120_000, mean=9e-6)
    bare = replace(newest, target="range", model_name="so_far", quantiles=(), mean=0.002)
    publish(database, MOVE_FORECASTS, [newest, bare], 120_001)
    publish(database, MOVE_FORECASTS, [replace(newest, mean=1.0)], 120_002)
    volatility, range_ = sorted(
        rows(database, "latest_moves"), key=lambda row: str(row["target"]), reverse=True
    )
    assert (volatility["close_time_ms"], volatility["for_ms"]) == (120_000, 420_250)
    assert volatility["move"] == pytest.approx(3e-3)
    bounds = [volatility[name] for name in ("low_90", "low_80", "high_80", "high_90")]
    assert bounds == pytest.approx([1e-4, 2e-4, 1.8e-3, 1.9e-3])
    assert (range_["move"], range_["low_90"], range_["model_name"]) == (0.002, None, "so_far")


def test_scores_of_moves_are_those_of_the_api(database: psycopg.Connection) -> None:
    replace = msgspec.structs.replace
    outcomes = [
        replace(
            MOVED, close_time_ms=60_000 * close, qlike=0.1 * close, inside_80=close % 2 == 0,
            baselines={"har": None if close == 3 else 0.4, "ewma": None},
        )
        for close in range(1, 6)
    ]  # fmt: skip
    publish(database, MOVE_OUTCOMES, outcomes, 1)
    publish(database, MOVE_OUTCOMES, [replace(outcomes[0], qlike=9.0)], 2)
    late = replace(MOVED, close_time_ms=600_000, late=True)
    unfitted = replace(MOVED, close_time_ms=660_000, model_name="ewma", crps=None)
    publish(database, MOVE_OUTCOMES, [late, unfitted], 3)
    (row,) = rows(database, "move_scores")
    score = score_of("volatility", 300_000, [*outcomes, late, unfitted])
    assert score is not None
    for name in ("outcomes", "qlike", "crps", "coverage_80", "coverage_90"):
        assert row[name] == pytest.approx(getattr(score, name)), name
    assert row["less_than_har"] == pytest.approx(score.qlike_less["har"])
    assert (row["less_than_ewma"], row["until_ms"]) == (None, 300_000)


def test_predictions_say_what_each_candidate_said(database: psycopg.Connection) -> None:
    said = {"lightgbm": Said(0.6, 1.0, "lightgbm:7")}
    publish(database, PREDICTIONS, [msgspec.structs.replace(PREDICTION, candidates=said)], 1)
    (row,) = rows(database, "first_predictions")
    assert row["candidates"] == {"lightgbm": [0.6, 1.0, "lightgbm:7"]}


def gap(first_id: int, until_us: int | None = None, state: GapState = "open", **more: Any) -> Gap:
    return Gap(MARKET, first_id, first_id + 2, 1_000_000, until_us, state, **more)


WRITINGS_OF_GAPS = {
    "one that is open is what was said of it last": [gap(7), gap(7, 2), gap(7, 3)],
    "one that was repaired stays so": [gap(7), gap(7, 2, "repaired"), gap(7), gap(7, 3, "lost")],
    "one that was lost never opens again": [gap(7, 2, "lost", reason="none"), gap(7, 3)],
    "one that was lost can be repaired": [gap(7), gap(7, 2, "lost"), gap(7, 3, "repaired")],
    "what became of it was said first": [
        gap(7, 2, "lost", reason="none"), gap(7, 3, "lost", reason="still none"),
    ],
    "repaired is said once": [gap(7, 2, "repaired"), gap(7, 3, "repaired")],
    "the same ids are others in another numbering": [
        gap(7, 2, "repaired"), gap(7, 5, epoch=1), gap(7, 6, "lost", epoch=2), gap(7, 6, epoch=1),
    ],
    "where a numbering ended it spans no ids": [
        Gap(MARKET, 9, 9, 1_000_000, 2_000_000, "lost"),
        Gap(MARKET, 9, 9, 4_000_000, 5_000_000, "lost", epoch=1), gap(9),
    ],
}  # fmt: skip


@pytest.mark.parametrize("apart_ms", [0, 1])
@pytest.mark.parametrize("writings", WRITINGS_OF_GAPS.values(), ids=WRITINGS_OF_GAPS)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_gap_is_what_the_store_says_that_it_is(
    database: psycopg.Connection,
    server: PostgresServer,
    tmp_path: Path,
    kind: str,
    writings: list[Gap],
    apart_ms: int,
) -> None:
    for place, writing in enumerate(writings):
        publish(database, GAPS, [writing], place * apart_ms)
    url = f"sqlite:///{tmp_path}/realtime.sqlite"
    if kind == "postgresql":
        url = server.url(server.new_database())
    with closing(open_store(url)) as store:
        for writing in writings:
            store.write([writing])
        stored = store.gaps(MARKET, 0, 10_000)
    found = [msgspec.convert(row, Gap) for row in rows(database, "newest_gaps")]
    assert sorted(found, key=lambda gap: gap.identity) == sorted(
        stored, key=lambda gap: gap.identity
    )


def test_a_gap_from_before_numberings_were_told_apart_is_of_the_first(
    database: psycopg.Connection,
) -> None:
    publish(database, GAPS, [gap(7)])
    database.execute("UPDATE gaps SET epoch = NULL")
    publish(database, GAPS, [gap(7, 2, "repaired")], 1)
    found = [msgspec.convert(row, Gap) for row in rows(database, "newest_gaps")]
    assert found == [gap(7, 2, "repaired")]


@pytest.fixture
def place(server: PostgresServer) -> Place:
    url = server.url(server.new_database())
    return Place("the server", lambda: psycopg.connect(url, autocommit=True), "start it")


def test_each_file_is_applied_once_and_one_that_failed_again(place: Place) -> None:
    first = File("0001.sql", "a", ["CREATE TABLE IF NOT EXISTS one (n INT)"])
    broken = File("0002.sql", "b", ["CREATE TABLE IF NOT EXISTS two (n INT)", "CREATE NONSENSE"])
    with pytest.raises(StateError, match="the server refused `CREATE NONSENSE`"):
        apply(place, [first, broken])
    mended = File("0002.sql", "c", [broken.statements[0], "INSERT INTO two VALUES (2)"])
    assert apply(place, [first, mended]) == ["0002.sql"]
    assert apply(place, [first, mended]) == []
    with place.connect() as connection:
        assert connection.execute("SELECT n FROM two").fetchall() == [(2,)]


def test_a_file_may_not_change_once_it_is_applied(place: Place) -> None:
    apply(place, [File("0001.sql", "a", [])])
    with pytest.raises(StateError, match=r"0001\.sql was changed after the server had it"):
        apply(place, [File("0001.sql", "b", [])])


def test_migration_makes_the_tables_of_sinks_before_it_turns_to_risingwave(
    server: PostgresServer,
) -> None:
    settings = SystemSettings(
        postgres_host=str(server.socket_folder),
        postgres_db=server.new_database(),
        postgres_user="postgres",
    )
    nowhere = RisingWaveSettings(host="127.0.0.1", port=free_port())
    with pytest.raises(TransientStateError, match=rf"RisingWave at 127\.0\.0\.1:{nowhere.port} "):
        migrate(FOLDER, settings, nowhere, patience_s=0)
    with psycopg.connect(postgres_url(settings)) as connection:
        counted = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'risingwave'"
        assert connection.execute(counted).fetchone() == (5,)


def test_settings_of_risingwave_come_from_the_environment() -> None:
    environment = {"RISINGWAVE_HOST": "risingwave", "RISINGWAVE_PORT": "4567"}
    settings = load_settings(RisingWaveSettings, None, environment, env_file=None)
    assert (settings.host, settings.port, settings.user) == ("risingwave", 4567, "root")


def test_a_folder_without_sql_and_an_unknown_setting_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \.sql files"):
        read_files(tmp_path, {})
    (tmp_path / "0001.sql").write_text("SELECT '${NOBODY_KNOWS}';\n")
    with pytest.raises(InputError, match="'NOBODY_KNOWS' is none of KAFKA_BROKER"):
        read_files(tmp_path, {"KAFKA_BROKER": "kafka:9092"})


def test_statements_end_with_a_semicolon_at_the_end_of_a_line() -> None:
    text = "-- one; two\nSELECT ';', 1;  -- why\n\nSELECT\n    2 -- two\n;\n"
    assert split_statements(text) == ["SELECT ';', 1", "SELECT\n    2"]
