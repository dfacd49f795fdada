"""Events of one market become Trades messages whose content does not depend on how they came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketstream.errors import BadMessage
from marketstream.messages import Quote, Trade, Trades
from trades.clock_offset import ClockOffset
from trades.events import QuoteEvent, TradeEvent

if TYPE_CHECKING:
    from trades.events import MarketEvent

_FURTHEST_AHEAD_US = 3_600_000_000


class TradesBatcher:
    """Collect one market's events until the socket read ends or time passes a boundary.

    A message carries many trades but only the newest quote. So that candles are the same whatever
    the size of the batches, it never spans a boundary of `finest_ms`: it is closed before an event
    of a later bucket, and right after the event that moves `seen_until_us` into a later one.
    Receive times come from the caller; there is no clock in here.

    `grace_ms` is how late a trade may come without being late. Before the first trade neither
    quotes nor heartbeats say anything: nothing ties the receive time to the exchange's time yet.
    `duplicates`, `gaps` and `missing` count repeated trade ids, jumps in them, and the ids jumped
    over.
    """

    def __init__(
        self,
        market: str,
        *,
        price_decimals: int = 8,
        quantity_decimals: int = 8,
        finest_ms: int = 250,
        grace_ms: int = 100,
    ) -> None:
        self.market = market
        self.duplicates = 0
        self.gaps = 0
        self.missing = 0
        self._price_decimals = price_decimals
        self._quantity_decimals = quantity_decimals
        self._finest_us = finest_ms * 1_000
        self._grace_us = grace_ms * 1_000
        self._clock_offset = ClockOffset()
        self._lag_us = 0
        self._lag_received_us = 0
        self._last_trade_id: int | None = None
        self._last_event_us = 0
        self._seen_until_us = 0
        self._emitted_bucket = -1
        self._pending_trades: list[Trade] = []
        self._pending_quote: Quote | None = None
        self._pending_bucket = -1

    def add(self, event: MarketEvent, received_us: int) -> list[Trades]:
        """Take in one event; return the messages it closed, none to two.

        Raises BadMessage where the event's time is more than an hour ahead of the exchange's clock:
        it would close every candle until then. A second one in a row is believed.
        """
        self._refuse_leap(event, received_us)
        item: Trade | Quote | None
        if isinstance(event, TradeEvent):
            item = self._taken(event.trade, received_us)
        else:
            item = self._stamped(event, received_us)
        if item is None:
            return []
        closed: list[Trades] = []
        bucket = item.time_us // self._finest_us
        if bucket > self._pending_bucket:
            if self._is_pending():
                closed.append(self._emit())
            self._pending_bucket = bucket
        seen_until_us = max(self._seen_until_us, self._seen_by(received_us))
        if isinstance(item, Trade):
            self._pending_trades.append(item)
            seen_until_us = max(seen_until_us, item.time_us)
        else:
            self._pending_quote = item
        self._seen_until_us = seen_until_us
        self._last_event_us = max(self._last_event_us, item.time_us)
        if seen_until_us // self._finest_us > self._emitted_bucket:
            closed.append(self._emit())
        return closed

    def flush(self) -> Trades | None:
        """Return what is pending, at the end of a socket read."""
        return self._emit() if self._is_pending() else None

    def heartbeat(self, received_us: int) -> Trades | None:
        """Say how far time is seen while nothing comes in; None where that is not news."""
        seen_until_us = self._seen_by(received_us)
        if seen_until_us <= self._seen_until_us:
            return self.flush()
        self._seen_until_us = seen_until_us
        return self._emit()

    def _seen_by(self, received_us: int) -> int:
        """Return the exchange time before which everything has come in, we may assume.

        When trades come in late, held up on the network or by our own process, more late ones are
        behind them: the backlog counts as gone once as much time has passed as it was long.
        """
        offset_us = self._clock_offset.offset_us
        if offset_us is None:
            return 0
        backlog_us = self._lag_us - (received_us - self._lag_received_us)
        return received_us + offset_us - self._grace_us - max(0, backlog_us)

    def _is_pending(self) -> bool:
        return bool(self._pending_trades) or self._pending_quote is not None

    def _emit(self) -> Trades:
        message = Trades(
            self.market,
            tuple(self._pending_trades),
            self._pending_quote,
            self._seen_until_us,
            self._price_decimals,
            self._quantity_decimals,
        )
        self._emitted_bucket = self._seen_until_us // self._finest_us
        self._pending_trades.clear()
        self._pending_quote = None
        self._pending_bucket = -1
        return message

    def _taken(self, trade: Trade, received_us: int) -> Trade | None:
        """Count what the id says, tie the clocks; None for a duplicate."""
        last_id = self._last_trade_id
        if last_id is not None:
            if trade.id <= last_id:
                self.duplicates += 1
                return None
            if trade.id != last_id + 1:
                self.gaps += 1
                self.missing += trade.id - last_id - 1
        self._last_trade_id = trade.id
        offset_us = self._clock_offset.update(trade.time_us, received_us)
        self._lag_us = received_us + offset_us - trade.time_us
        self._lag_received_us = received_us
        return trade

    def _stamped(self, event: QuoteEvent, received_us: int) -> Quote | None:
        """Give a quote its time; None before the first trade."""
        offset_us = self._clock_offset.offset_us
        if offset_us is None:
            return None
        time_us = received_us + offset_us if event.time_us is None else event.time_us
        # Never earlier than what came before it: on one connection, arrival is the order.
        return Quote(
            event.bid,
            event.bid_quantity,
            event.ask,
            event.ask_quantity,
            max(time_us, self._last_event_us),
            event.time_us is None,
        )

    def _refuse_leap(self, event: MarketEvent, received_us: int) -> None:
        time_us = event.time_us
        offset_us = self._clock_offset.offset_us
        if time_us is None or offset_us is None:
            return
        ahead_us = time_us - received_us - offset_us
        if ahead_us > _FURTHEST_AHEAD_US:
            self._clock_offset = ClockOffset()
            raise BadMessage(
                f"{self.market}: the time {time_us} µs is {ahead_us // 1_000_000} s ahead of the "
                "exchange's clock"
            )
