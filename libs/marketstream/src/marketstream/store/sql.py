"""The store on a database, through SQLAlchemy Core; the URL decides which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import URL, Engine, Executable, Select, Table, and_, func, make_url, or_, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from marketstream.errors import SettingsError, StateError
from marketstream.messages import Candle, DeadLetter, Outcome, Prediction
from marketstream.store.rows import TABLE_NAMES, ModelRow, PredictionRow, Stored, columns_of
from marketstream.store.schema import upgrade
from marketstream.store.sqlite import explain_sqlite, open_sqlite
from marketstream.store.tables import (
    CANDLES,
    DEAD_LETTERS,
    METADATA,
    MODELS,
    OUTCOMES,
    PREDICTIONS,
)


class _Backend(NamedTuple):
    """All that differs between databases."""

    open: Callable[[URL], Engine]
    explain: Callable[[URL, DBAPIError], StateError]
    insert: Callable[[Table], Any]


_BACKENDS = {"sqlite": _Backend(open_sqlite, explain_sqlite, sqlite.insert)}


def open_store(url: str) -> SqlStore:
    """Open the database at `url`, such as `sqlite:///state/realtime.sqlite`, and migrate it.

    Raises SettingsError for a URL that makes no sense, StateError for a database that is damaged,
    out of reach, or newer than this program.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError(
            "the store's URL cannot be read: write sqlite:///state/realtime.sqlite"
        ) from error
    backend = _BACKENDS.get(parsed.get_backend_name())
    if backend is None:
        raise SettingsError(
            f"{parsed} is no database the store knows: write sqlite:///state/realtime.sqlite"
        )
    with _explained(backend, parsed):
        engine = backend.open(parsed)
    store = SqlStore(engine, backend)
    try:
        store.migrate()
    except BaseException:
        store.close()
        raise
    return store


class SqlStore:
    """A `Store` on one database; made by `open_store`."""

    def __init__(self, engine: Engine, backend: _Backend) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._backend = backend
        self._inserts = {
            kind: _insert(METADATA.tables[name], backend) for kind, name in TABLE_NAMES.items()
        }

    def migrate(self) -> None:
        """Bring the schema to this program's."""
        with self._explained(), self._writing.begin() as connection:
            upgrade(connection, self._engine.url.database or str(self._engine.url))

    def write(self, rows: Sequence[Stored]) -> None:
        """Write rows in one transaction: all of them or, where it raises, none."""
        by_kind: dict[type, list[dict[str, object]]] = defaultdict(list)
        for row in rows:
            by_kind[type(row)].append(columns_of(row))
        if not by_kind:
            return
        with self._explained(), self._writing.begin() as connection:
            for kind, columns in by_kind.items():
                connection.execute(self._inserts[kind], columns)

    def candles(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Candle]:
        """Return the candles that open in the range, forming ones too."""
        query = _range(CANDLES, "open_time_ms", market, timeframe, from_ms, to_ms)
        return self._read(query, Candle)

    def last_candles(self, market: str, timeframe: str, count: int) -> list[Candle]:
        """Return the last `count` candles, the oldest first, forming ones too."""
        columns = CANDLES.c
        query = (
            select(CANDLES)
            .where(columns.market == market, columns.timeframe == timeframe)
            .order_by(columns.open_time_ms.desc())
            .limit(count)
        )
        return self._read(query, Candle)[::-1]

    def predictions(
        self, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[PredictionRow]:
        """Return the predictions made at closes in the range."""
        query = _range(PREDICTIONS, "close_time_ms", market, timeframe, from_ms, to_ms)
        return self._read(query, _prediction_row)

    def outcomes(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Outcome]:
        """Return the outcomes of predictions made at closes in the range."""
        query = _range(OUTCOMES, "close_time_ms", market, timeframe, from_ms, to_ms)
        return self._read(query, Outcome)

    def latest_model(self, market: str, timeframe: str, horizon_ms: int) -> ModelRow | None:
        """Return the model trained last."""
        columns = MODELS.c
        query = (
            select(MODELS)
            .where(
                columns.market == market,
                columns.timeframe == timeframe,
                columns.horizon_ms == horizon_ms,
            )
            .order_by(columns.trained_at_ms.desc(), columns.version.desc())
            .limit(1)
        )
        return next(iter(self._read(query, ModelRow)), None)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return at most `limit` dead letters, the newest first."""
        columns = DEAD_LETTERS.c
        query = (
            select(columns.source, columns.raw, columns.reason, columns.received_us)
            .order_by(columns.received_us.desc(), columns.digest)
            .limit(limit)
        )
        return self._read(query, DeadLetter)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        with self._explained(), self._engine.connect() as connection:
            return {
                name: connection.execute(
                    select(func.count()).select_from(METADATA.tables[name])
                ).scalar_one()
                for name in TABLE_NAMES.values()
            }

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _read[Row](self, query: Select[Any], make: Callable[..., Row]) -> list[Row]:
        with self._explained(), self._engine.connect() as connection:
            return [make(*columns) for columns in connection.execute(query)]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with _explained(self._backend, self._engine.url):
            yield


@contextmanager
def _explained(backend: _Backend, url: URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise backend.explain(url, error) from error


def _insert(table: Table, backend: _Backend) -> Executable:
    """Return the insert that leaves alone what has to stay."""
    insert = backend.insert(table)
    key = list(table.primary_key)
    old, new = table.c, insert.excluded
    changes: Executable
    if table is CANDLES:
        changes = insert.on_conflict_do_update(
            index_elements=key,
            set_={column.name: new[column.name] for column in old if not column.primary_key},
            where=or_(
                and_(new.state == "closed", old.state == "forming"),
                and_(new.state == old.state, new.revision > old.revision),
            ),
        )
    else:
        changes = insert.on_conflict_do_nothing(index_elements=key)
    return changes


def _range(
    table: Table, time: str, market: str, timeframe: str, from_ms: int, to_ms: int
) -> Select[Any]:
    columns = table.c
    return (
        select(table)
        .where(
            columns.market == market,
            columns.timeframe == timeframe,
            columns[time] >= from_ms,
            columns[time] < to_ms,
        )
        .order_by(*table.primary_key)
    )


def _prediction_row(*columns: Any) -> PredictionRow:
    return PredictionRow(Prediction(*columns[:-3]), *columns[-3:])
