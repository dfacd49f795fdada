"""The store on a database, through SQLAlchemy Core; the URL decides which."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import URL, Engine, Select, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from marketstream.errors import SettingsError, TransientStateError
from marketstream.evidence import Streams, Tally
from marketstream.keys import ApiKey
from marketstream.messages import (
    Candle,
    DeadLetter,
    Features,
    Gap,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Stall,
)
from marketstream.messages.score_sums import ScoreSums
from marketstream.messages.seal import OutcomeSeal, Seal
from marketstream.store import queries
from marketstream.store.backend import Backend
from marketstream.store.counts import Ledger
from marketstream.store.forgetting import Forgettable, forget
from marketstream.store.key_rows import add_key, read_keys, revoke_key
from marketstream.store.ledger import markets_of, read_ledger, timeframes_of
from marketstream.store.packed import Kind, close_span, pack_oldest, packed_counts, read_closes
from marketstream.store.packed_candles import last_candles
from marketstream.store.patience import patiently
from marketstream.store.port import EVER_MS
from marketstream.store.postgresql import POSTGRESQL
from marketstream.store.rows import TABLE_NAMES, Stored, columns_of
from marketstream.store.schema import upgrade
from marketstream.store.served import Served, read_served
from marketstream.store.sqlite import SQLITE
from marketstream.store.tables import (
    METADATA,
    MOVE_FORECASTS,
    MOVE_OUTCOMES,
    OUTCOME_SEALS,
    SEALS,
)
from marketstream.store.tallies import read_tallies

_BACKENDS = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "postgres": POSTGRESQL}
_EXAMPLES = "write sqlite:///state/realtime.sqlite or postgresql://user:password@host:5432/database"


def open_store(
    url: str, *, patience_s: float = 10.0, ending: threading.Event | None = None
) -> SqlStore:
    """Open the database at `url`, such as `sqlite:///state/realtime.sqlite`, and migrate it.

    A server that does not answer is waited for, until `ending` is set. Raises SettingsError for a
    URL that makes no sense, StateError for a database that is damaged, out of reach, or newer than
    this program.
    """
    parsed = _parse(url)
    backend = _BACKENDS.get(parsed.get_backend_name())
    if backend is None:
        raise SettingsError(f"{parsed} is no database the store knows: {_EXAMPLES}")
    return patiently(lambda: _opened(backend, parsed), patience_s, ending)


def _parse(url: str) -> URL:
    with suppress(ArgumentError, ValueError):
        return make_url(url)
    # Outside the handler: the library's own error may hold a part of the password.
    raise SettingsError(f"the store's URL cannot be read: {_EXAMPLES}")


def _opened(backend: Backend, url: URL) -> SqlStore:
    with _explained(backend, url):
        store = SqlStore(backend.open(url), backend)
    try:
        store.migrate()
    except BaseException:
        store.close()
        raise
    return store


class SqlStore:
    """A `Store` on one database; made by `open_store`."""

    def __init__(self, engine: Engine, backend: Backend) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._at_once = engine.execution_options(at_once=True)
        self._backend = backend
        self._inserts = {
            kind: backend.insert(METADATA.tables[name]) for kind, name in TABLE_NAMES.items()
        }

    def migrate(self) -> None:
        """Bring the schema to this program's."""
        migrating = self._writing.execution_options(migrates=True)
        with self._explained(), migrating.begin() as connection:
            place = self._backend.place(self._engine.url)
            upgrade(connection, place, self._backend.elsewhere)

    def write(self, rows: Sequence[Stored]) -> None:
        """Write rows in one transaction: all of them or, where it raises, none."""
        by_kind: dict[type, list[dict[str, object]]] = defaultdict(list)
        for row in rows:
            by_kind[type(row)].append(columns_of(row))
        if not by_kind:
            return
        with self._explained(), self._writing.begin() as connection:
            for kind, insert in self._inserts.items():  # always in this order: no deadlocks
                if kind in by_kind:
                    insert(connection, by_kind[kind])

    def candles(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Candle]:
        """Return the candles that open in the range, forming ones too."""
        return self._closes(Candle, market, timeframe, from_ms, to_ms)

    def last_candles(
        self, market: str, timeframe: str, count: int, before_ms: int = EVER_MS
    ) -> list[Candle]:
        """Return the last `count` candles that open before a time, the oldest first."""
        with self._explained(), self._at_once.connect() as connection:
            return last_candles(connection, market, timeframe, count, queries.storable(before_ms))

    def features(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Features]:
        """Return the feature vectors as of closes in the range."""
        return self._closes(Features, market, timeframe, from_ms, to_ms)

    def predictions(
        self, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[Prediction]:
        """Return the predictions made at closes in the range."""
        return self._closes(Prediction, market, timeframe, from_ms, to_ms)

    def outcomes(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Outcome]:
        """Return the outcomes of predictions made at closes in the range."""
        return self._closes(Outcome, market, timeframe, from_ms, to_ms)

    def move_forecasts(
        self, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[MoveForecast]:
        """Return what was said at closes in the range of how far the price will go."""
        query = queries.moves_in(MOVE_FORECASTS, market, timeframe, from_ms, to_ms)
        return self._read(query, MoveForecast)

    def move_outcomes(
        self, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[MoveOutcome]:
        """Return what came of the forecasts of how far that were made at closes in the range."""
        query = queries.moves_in(MOVE_OUTCOMES, market, timeframe, from_ms, to_ms)
        return self._read(query, MoveOutcome)

    def models(self, market: str, from_ms: int, to_ms: int) -> list[Model]:
        """Return the models that began to serve in the range, in the order in which they did."""
        return self._read(queries.models_in(market, from_ms, to_ms), Model)

    def served(self, market: str, from_ms: int, to_ms: int) -> list[Served]:
        """Return what came of the predictions of each model version at closes in the range."""
        with self._explained(), self._at_once.connect() as connection:
            return read_served(connection, market, from_ms, to_ms)

    def tallies(
        self, market: str, timeframe: str, until_ms: int, streams: Sequence[Streams]
    ) -> list[Tally]:
        """Return the outcomes at closes before `until_ms`, counted where they are alike."""
        with self._explained(), self._at_once.connect() as connection:
            return read_tallies(connection, market, timeframe, until_ms, streams)

    def latest_model(self, market: str, timeframe: str, horizon_ms: int) -> Model | None:
        """Return the model that began to serve last."""
        query = queries.newest_model(market, timeframe, horizon_ms)
        return next(iter(self._read(query, Model)), None)

    def seals(self, market: str, timeframe: str) -> list[Seal]:
        """Return all seals of a market's predictions."""
        return self._read(queries.seals_of(SEALS, market, timeframe), Seal)

    def outcome_seals(self, market: str, timeframe: str) -> list[OutcomeSeal]:
        """Return all seals of a market's outcomes."""
        return self._read(queries.seals_of(OUTCOME_SEALS, market, timeframe), OutcomeSeal)

    def score_sums(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[ScoreSums]:
        """Return the sums of what came of predictions, of stretches that begin in the range."""
        return self._read(queries.score_sums_in(market, timeframe, from_ms, to_ms), ScoreSums)

    def prediction_span(self, market: str, timeframe: str) -> tuple[int, int] | None:
        """Return the first and the last close that was predicted, None where none was."""
        with self._explained(), self._engine.connect() as connection:
            return close_span(connection, Prediction, market, timeframe)

    def outcome_span(self, market: str, timeframe: str) -> tuple[int, int] | None:
        """Return the first and the last close that has an outcome, None where none has."""
        with self._explained(), self._engine.connect() as connection:
            return close_span(connection, Outcome, market, timeframe)

    def gaps(self, market: str, from_ms: int, to_ms: int) -> list[Gap]:
        """Return the gaps that begin in the range."""
        return self._read(queries.gaps_in(market, from_ms, to_ms), Gap)

    def open_gaps(self, market: str) -> list[Gap]:
        """Return the gaps that have neither been repaired nor given up."""
        return self._read(queries.open_gaps(market), Gap)

    def numbering(self, market: str) -> tuple[int, int]:
        """Return which numbering the market's ids are of by now, and since when (µs).

        Both are 0 where they never began again.
        """
        with self._explained(), self._engine.connect() as connection:
            epoch, since_us = connection.execute(queries.newest_numbering(market)).one()
        return epoch or 0, since_us or 0

    def stalls(self, market: str, from_ms: int, to_ms: int) -> list[Stall]:
        """Return the stalls that begin in the range."""
        return self._read(queries.stalls_in(market, from_ms, to_ms), Stall)

    def ledger(self, market: str, from_ms: int, to_ms: int) -> Ledger:
        """Return how whole a market is over the range: ids, gaps, stalls and certificates."""
        with self._explained(), self._at_once.connect() as connection:
            return read_ledger(connection, market, from_ms, to_ms)

    def timeframes(self, market: str) -> list[str]:
        """Return the timeframes that a market has candles of, the finest first."""
        with self._explained(), self._engine.connect() as connection:
            return timeframes_of(connection, market)

    def forget(self, table: Forgettable, market: str, timeframe: str, before_ms: int) -> int:
        """Delete a stretch of the oldest rows from before a time; return how many, 0 at the end."""
        with self._explained(), self._writing.begin() as connection:
            return forget(connection, table, market, timeframe, before_ms)

    def pack(self, market: str, timeframe: str, before_ms: int) -> int:
        """Pack the stretch of the oldest closes that ends before a time; return how many rows."""
        with self._explained(), self._writing.begin() as connection:
            return pack_oldest(connection, market, timeframe, before_ms)

    def newest_ms(self, market: str) -> int | None:
        """Return when the newest candle of any timeframe closes, None where there is none."""
        newest = (self.last_candles(market, timeframe, 1) for timeframe in self.timeframes(market))
        return max((candles[-1].close_time_ms for candles in newest if candles), default=None)

    def markets(self) -> list[str]:
        """Return the markets that have candles, sorted."""
        with self._explained(), self._engine.connect() as connection:
            return markets_of(connection)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return at most `limit` dead letters, the newest first."""
        return self._read(queries.newest_dead_letters(limit), DeadLetter)

    def api_keys(self) -> list[ApiKey]:
        """Return the keys of the API, by name."""
        with self._explained(), self._engine.connect() as connection:
            return read_keys(connection)

    def add_key(self, key: ApiKey) -> bool:
        """Add a key of the API; False where one has that name."""
        with self._explained(), self._writing.begin() as connection:
            return add_key(connection, key)

    def revoke_key(self, name: str) -> bool:
        """Delete a key of the API; False where there is none of that name."""
        with self._explained(), self._writing.begin() as connection:
            return revoke_key(connection, name)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        with self._explained(), self._at_once.connect() as connection:
            packed = packed_counts(connection)
            return {
                name: packed.get(name, 0)
                + connection.execute(
                    select(func.count()).select_from(METADATA.tables[name])
                ).scalar_one()
                for name in TABLE_NAMES.values()
            }

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _closes(
        self, kind: Kind, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[Any]:
        window = (queries.storable(from_ms), queries.storable(to_ms))
        with self._explained(), self._at_once.connect() as connection:
            return read_closes(connection, kind, market, timeframe, *window)

    def _read[Row](self, query: Select[Any], make: Callable[..., Row]) -> list[Row]:
        with self._explained(), self._engine.connect() as connection:
            return [make(*columns) for columns in connection.execute(query)]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with _explained(self._backend, self._engine.url):
            yield


@contextmanager
def _explained(backend: Backend, url: URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise backend.explain(url, error) from error
    except PoolTimeoutError as error:
        raise TransientStateError(
            f"{backend.place(url)}: all connections are busy for too long: see what is slow"
        ) from error
