"""Other libraries' own ways from trades to candles, each fed with what its entry point takes.

What they are fed is made beforehand and not timed. Their candles are handed back as rows of open
time in ms, open, high, low, close and volume, to be compared with ours. They are installed by
`uv sync --group peers`; hence they are imported by name, and only where they are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import to_floats
from marketstream.readers.table import TradeTable

type Floats = NDArray[np.float64]
_MINUTE, _DAY = "1m", "1d"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Work to be timed, and how to read candles off its result."""

    work: Callable[[], Any]
    candles: Callable[[Any], Floats]


@dataclass(frozen=True, slots=True)
class Peer:
    """A library by the name it is installed under; `columnar` says that it takes whole columns."""

    package: str
    timed: str
    prepare: Callable[[TradeTable], Prepared]
    timeframe: str = _MINUTE
    columnar: bool = False

    @property
    def version(self) -> str | None:
        """What is installed, or None."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


def _nautilus_trader(trades: TradeTable) -> Prepared:
    aggregation = import_module("nautilus_trader.data.aggregation")
    clocks = import_module("nautilus_trader.common.component")
    model = import_module("nautilus_trader.model")
    digits = trades.price_decimals, trades.quantity_decimals
    pair = import_module("nautilus_trader.model.instruments").CurrencyPair(
        model.InstrumentId.from_str("BTCUSDT.BINANCE"),
        model.Symbol("BTCUSDT"),
        model.Currency.from_str("BTC"),
        model.Currency.from_str("USDT"),
        *digits,
        model.Price(10.0 ** -digits[0], digits[0]),
        model.Quantity(10.0 ** -digits[1], digits[1]),
        0,
        0,
    )
    bar_type = model.BarType.from_str(f"{pair.id}-1-MINUTE-LAST-INTERNAL")
    # Its bar ends with the first trade at its very end, ours before it; times are whole us or ms.
    times_ns = (trades.time_us * 1_000 + 1).astype(np.uint64)
    ticks = model.TradeTick.from_raw_arrays_to_list(
        pair.id,
        *digits,
        to_floats(trades.price, digits[0]),
        to_floats(trades.quantity, digits[1]),
        np.where(trades.taker > 0, 1, 2).astype(np.uint8),
        [str(row) for row in range(len(trades))],
        times_ns,
        times_ns,
    )

    def work() -> list[Any]:
        bars: list[Any] = []
        aggregator = aggregation.TimeBarAggregator(
            pair, bar_type, bars.append, clocks.TestClock(), timestamp_on_close=False
        )
        aggregator.set_historical_mode(True, bars.append)  # noqa: FBT003 - it has no name for it
        handle = aggregator.handle_trade_tick
        for tick in ticks:
            handle(tick)
        return bars

    def candles(bars: list[Any]) -> Floats:
        return _rows([
            (b.ts_event // 1_000_000, b.open, b.high, b.low, b.close, b.volume) for b in bars
        ])  # fmt: skip

    return Prepared(work, candles)


def _freqtrade(trades: TradeTable) -> Prepared:
    pandas = import_module("pandas")
    converter = import_module("freqtrade.data.converter.trade_converter")
    import_module("freqtrade.exchange")  # else the first call imports it
    frame = pandas.DataFrame(
        {
            "date": pandas.to_datetime(trades.time_us // 1_000, unit="ms", utc=True),
            "price": to_floats(trades.price, trades.price_decimals),
            "amount": to_floats(trades.quantity, trades.quantity_decimals),
        }
    )

    def candles(ohlcv: Any) -> Floats:
        opened_ms = ohlcv["date"].dt.as_unit("ms").astype("int64")
        columns = [ohlcv[name] for name in ("open", "high", "low", "close", "volume")]
        return np.column_stack([opened_ms, *columns])

    return Prepared(lambda: converter.trades_to_ohlcv(frame, _MINUTE), candles)


def _cryptofeed(trades: TradeTable) -> Prepared:
    aggregate = import_module("cryptofeed.backends.aggregate")
    trade_type = import_module("cryptofeed.types").Trade
    symbol = "BTC-USDT"
    singles = [
        trade_type(
            "BINANCE", symbol, "buy" if taker > 0 else "sell",
            Decimal(quantity).scaleb(-trades.quantity_decimals),
            Decimal(price).scaleb(-trades.price_decimals),
            time_us / 1_000_000,
        )
        for taker, quantity, price, time_us in zip(
            trades.taker.tolist(), trades.quantity.tolist(), trades.price.tolist(),
            trades.time_us.tolist(), strict=True,
        )
    ]  # fmt: skip

    async def closed(candles: Mapping[str, Any]) -> None:
        """Be there: a window of a day does not end while this runs."""

    async def feed() -> Any:
        callback = aggregate.OHLCV(closed, window=86_400)
        for trade in singles:
            await callback(trade, trade.timestamp)
        return callback.data[symbol]

    def candles(sums: Any) -> Floats:
        day_ms = int(trades.time_us[0]) // 86_400_000_000 * 86_400_000
        return _rows([(day_ms, *(sums[n] for n in ("open", "high", "low", "close", "volume")))])

    return Prepared(lambda: asyncio.run(feed()), candles)


def _ccxt(trades: TradeTable) -> Prepared:
    exchange = import_module("ccxt").Exchange()
    prices = to_floats(trades.price, trades.price_decimals).tolist()
    amounts = to_floats(trades.quantity, trades.quantity_decimals).tolist()
    times_ms = (trades.time_us // 1_000).tolist()
    singles = [
        {"timestamp": time_ms, "price": price, "amount": amount}
        for time_ms, price, amount in zip(times_ms, prices, amounts, strict=True)
    ]
    return Prepared(
        lambda: exchange.build_ohlcvc(singles, _MINUTE), lambda rows: _rows([r[:6] for r in rows])
    )


def _rows(rows: list[Any]) -> Floats:
    return np.array([[float(value) for value in row] for row in rows]).reshape(-1, 6)


PEERS: Mapping[str, Peer] = {
    "nautilus_trader": Peer(
        "nautilus-trader",
        "TimeBarAggregator.handle_trade_tick for each TradeTick, its own test clock moved by them; "
        "the first trade at the very end of a bar belongs to it, hence all are 1 ns later",
        _nautilus_trader,
    ),
    "freqtrade": Peer(
        "freqtrade",
        "trades_to_ohlcv on a DataFrame of the three columns it reads; volumes are sums of floats, "
        "intervals without trades are left out",
        _freqtrade,
        columnar=True,
    ),
    "cryptofeed": Peer(
        "cryptofeed",
        "await backends.aggregate.OHLCV for each Trade; its windows follow the computer's clock "
        "and not the trades' time, so all are in one candle of a day",
        _cryptofeed,
        timeframe=_DAY,
    ),
    "ccxt": Peer(
        "ccxt",
        "Exchange.build_ohlcvc on a list of dicts of the three values it reads; volumes are sums "
        "of floats, intervals without trades are left out",
        _ccxt,
    ),
}
