"""The services on a real broker and a real database, and the exchange's ledger beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle, Outcome, Prediction
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer
from realtime_bench.services import Services, service_modules

__all__ = ["SERVICES", "MakeSystem", "System"]

SERVICES = service_modules()
FAR_MS = 2**62


class System(Services):
    """What is measured on a Kafka of its own, with a database of which more can be asked."""

    def __init__(
        self,
        folder: Path,
        broker: str,
        server: PostgresServer,
        symbols: Sequence[str],
        rate: float,
        configs: Mapping[str, object],
    ) -> None:
        self.rate = rate
        self.markets = [f"binance:{symbol}" for symbol in symbols]
        database = server.new_database()
        self._store_url = server.url(database)
        environment = {
            "HORIZONS": "1,2",
            "POSTGRES_HOST": str(server.socket_folder),
            "POSTGRES_DB": database,
            "POSTGRES_USER": "postgres",
            "KAFKA_SESSION_TIMEOUT_MS": "3000",
        }
        super().__init__(folder, broker, symbols, rate, configs, environment)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the services' database."""
        store = open_store(self._store_url)
        try:
            yield store
        finally:
            store.close()

    def candles(self, market: str) -> list[Candle]:
        """Return the stored candles of a second."""
        with self.store() as store:
            return store.candles(market, "1s", 0, FAR_MS)

    def predictions(self, market: str) -> list[Prediction]:
        """Return the stored predictions."""
        with self.store() as store:
            return store.predictions(market, "1s", 0, FAR_MS)

    def outcomes(self, market: str) -> list[Outcome]:
        """Return the stored outcomes."""
        with self.store() as store:
            return store.outcomes(market, "1s", 0, FAR_MS)

    def wait_until_stored(self, until_ms: int) -> None:
        """Wait until all markets have candles and outcomes up to a moment."""

        def reached() -> bool:
            with self.store() as store:
                return all(
                    (candles := store.last_candles(market, "1s", 1))
                    and candles[0].close_time_ms > until_ms
                    and store.outcomes(market, "1s", until_ms, FAR_MS)
                    for market in self.markets
                )

        self.wait_for(f"candles and outcomes after {until_ms}", reached)

    def assert_equal_to_the_ledger(self, market: str, until_ms: int) -> list[Candle]:
        """Compare candles up to a moment with those of the exchange's own trades, field by field.

        Each follows on the one before, and all but the first are complete.
        """
        candles = [c for c in self.candles(market) if c.close_time_ms <= until_ms]
        assert len(candles) > 60
        assert all(one.close_time_ms == two.open_time_ms for one, two in pairwise(candles))
        assert [c.open_time_ms for c in candles[1:] if not c.complete] == []
        symbol = market.partition(":")[2]
        tape = SeededMarket(symbol, 1, trades_per_second=self.rate)
        aggregator = CandleAggregator(market, ["1s"])
        messages = trades_messages(
            tape, market, candles[0].open_time_ms * 1_000, candles[-1].close_time_ms * 1_000
        )
        made = (candle for message in messages for candle in aggregator.update(message))
        newest = {candle.open_time_ms: candle for candle in made}  # the last revision of each
        ledger = [newest[open_ms] for open_ms in sorted(newest)]
        assert [what_traded(c) for c in candles[1:]] == [what_traded(c) for c in ledger[1:]]
        return candles


type MakeSystem = Callable[[Sequence[str], float, Mapping[str, object]], System]


def what_traded(candle: Candle) -> tuple[object, ...]:
    """Return what the ledger knows of a candle: all but the book."""
    return (
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
        candle.quote_volume, candle.trade_count, candle.taker_buy_volume,
        candle.taker_buy_quote_volume, candle.first_trade_id, candle.last_trade_id,
    )  # fmt: skip
