"""Trades of the past as candles in the store."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import CANDLE_COLUMNS, CandleColumns
from marketstream.messages import Candle
from marketstream.readers import TradeTable
from marketstream.store.port import Store
from marketstream.timeframes import timeframe_ms
from realtime_training.datasets.trades import candles_of

_BATCH = 5_000


def store_candles(
    store: Store,
    market: str,
    trades: TradeTable,
    timeframes: Sequence[str],
    within_ms: tuple[int, int] | None = None,
    *,
    exact: bool,
) -> int:
    """Store the candles that trades make; return how many.

    The first and the last of each timeframe are left out, since trades may be missing before and
    after; so are those that do not open within the times given. Unless the trades are `exact`,
    none is called complete.
    """
    stored = 0
    for timeframe in timeframes:
        proven = trades.consecutive and exact
        candles = messages_of(market, candles_of(trades, timeframe), proven=proven)
        candles = candles[1:-1]
        if within_ms is not None:
            candles = [one for one in candles if within_ms[0] <= one.open_time_ms < within_ms[1]]
        for start in range(0, len(candles), _BATCH):
            store.write(candles[start : start + _BATCH])
        stored += len(candles)
    return stored


def messages_of(market: str, candles: CandleColumns, *, proven: bool) -> list[Candle]:
    """Return candles as messages; complete where ids have `proven` it, else nobody can tell."""
    length_ms = timeframe_ms(candles.timeframe)
    prices = [candles.floats(name).tolist() for name in CANDLE_COLUMNS]
    sides = [
        [None if value != value else value for value in candles.floats(name).tolist()]
        for name in ("first_buy", "first_sell")
    ]
    nothing = [None] * len(candles)
    first, last = (
        nothing if ids is None else [one if one >= 0 else None for one in ids.tolist()]
        for ids in (candles.first_trade_id, candles.last_trade_id)
    )
    made = []
    for row, (open_ms, complete) in enumerate(
        zip(candles.open_time_ms.tolist(), candles.complete.tolist(), strict=True)
    ):
        values = {name: column[row] for name, column in zip(CANDLE_COLUMNS, prices, strict=True)}
        values["trade_count"] = count = int(values["trade_count"])
        made.append(
            Candle(
                market=market,
                timeframe=candles.timeframe,
                open_time_ms=open_ms,
                close_time_ms=open_ms + length_ms,
                **values,
                first_buy=sides[0][row],
                first_sell=sides[1][row],
                first_trade_id=first[row],
                last_trade_id=last[row],
                complete=complete if proven else None,
                expected_count=count if complete and proven else None,
            )
        )
    return made
