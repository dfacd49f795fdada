"""Candles of the past, packed: the last ones before a time, and the way back into their table."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from marketstream.messages import Candle
from marketstream.store.packed import (
    CLOSES,
    FIRST_MS,
    merged,
    read_closes,
    stretch_ms,
    stretches_of,
    take,
)
from marketstream.store.packing import unpack
from marketstream.store.queries import candles_before
from marketstream.store.rows import TABLE_NAMES
from marketstream.store.tables import CANDLES, PACKED


def last_candles(
    connection: Connection, market: str, timeframe: str, count: int, before_ms: int
) -> list[Candle]:
    """Return the last `count` candles that open before a time, packed or not, the oldest first."""
    newest = candles_before(market, timeframe, before_ms, count)
    rows = [Candle(*columns) for columns in connection.execute(newest)]
    # Of what is not packed, all from here on is there; of what is, from the oldest stretch read.
    rows_ms = rows[-1].open_time_ms if rows and len(rows) == count else FIRST_MS
    below_ms, found = before_ms, list[Candle]()
    while sum(one.open_time_ms >= max(below_ms, rows_ms) for one in found) < count:
        older = (
            select(PACKED.c.from_ms, PACKED.c.data)
            .where(
                stretches_of(Candle, market, timeframe),
                PACKED.c.from_ms < below_ms,
                PACKED.c.from_ms > max(rows_ms - stretch_ms(timeframe), FIRST_MS),
            )
            .order_by(PACKED.c.from_ms.desc())
            .limit(count // CLOSES + 1)
        )
        stretches = connection.execute(older).all()
        if not stretches:
            break
        for from_ms, data in stretches:
            below_ms = from_ms
            found = [one for one in unpack(Candle, data) if one.open_time_ms < before_ms] + found
    return merged(found, rows)[-count:] if count else []


def unpack_candles(connection: Connection) -> None:
    """Put all candles that are packed back into their table: the way to a schema without them."""
    of_candles = PACKED.c.kind == TABLE_NAMES[Candle]
    columns = select(PACKED.c.market, PACKED.c.timeframe, PACKED.c.from_ms, PACKED.c.to_ms)
    for stretch in connection.execute(columns.where(of_candles)).all():
        candles = read_closes(connection, Candle, *stretch)
        take(connection, Candle, *stretch)
        rows = [{c.name: getattr(one, c.name) for c in CANDLES.c} for one in candles]
        connection.execute(insert(CANDLES), rows)
    connection.execute(delete(PACKED).where(of_candles))
