"""What is known of one market: past, live and catching up as one state machine without I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from exchanges.events import (
    Alive,
    BookEvent,
    ContextEvent,
    LiquidationEvent,
    QuoteEvent,
    TradeEvent,
)
from marketstream.messages import Channel, Feed, Gap, Stall, Trade, Trades
from trades.batching import TradesBatcher
from trades.session.context import ContextWatch
from trades.session.depth import DepthWatch
from trades.session.examining import examine
from trades.session.inquiry import Inquiry
from trades.session.joining import Joining
from trades.session.ledger import Ledger
from trades.session.life import Life
from trades.session.plausibility import Plausibility
from trades.session.quote_lag import QuoteLag
from trades.session.rules import Answer, Ask, Known, Rules
from trades.session.silence import Silence
from trades.session.stalls import QuoteWatch, Stalls
from trades.session.unnumbered import Unnumbered

type Publish = Callable[[Trades | Gap | Stall, int], None]
"""Takes a message and when (µs) what it follows from was received, 0 for the past."""

_NOBODY_TO_ASK = "there is nobody to ask for trades of the past"
_NOTHING_COMES = "the recording does not have them"


class MarketSession:
    """Takes in what the stream and REST say of one market, and publishes what follows.

    One ledger knows which trades came, by whatever way: each is published once. Live messages are
    held back while what is missing before them is fetched. Time stands still where a silence is
    longer than plausible, until the exchange, asked, knows no more either; where it does, `drop`
    says why the connection has to be given up. What makes no sense is put aside (BadMessage), and
    is missing until REST brings it. Times are in µs; `received_us` are of the caller's clock, which
    never steps.
    """

    def __init__(self, market: str, publish: Publish, rules: Rules | None = None) -> None:
        rules = rules or Rules()
        self.market = market
        self.rules = rules
        self.quotes = self.trades = self.duplicates = 0
        self.drop: str | None = None
        self.publish = publish
        self.batcher = TradesBatcher(
            market,
            price_decimals=rules.price_decimals,
            quantity_decimals=rules.quantity_decimals,
            finest_ms=rules.base_ms,
            grace_ms=round(rules.grace_ms * rules.speed),
            numbered=rules.numbered,
        )
        self.ledger = Ledger(market, self._say)
        self.plausibility = Plausibility(self.batcher, rules)
        self.pace = Silence(
            least_us=round(1e6 * rules.speed),
            most_us=round(60e6 * rules.speed),
            unknown_us=round(5e6 * rules.speed),
        )
        self.stalls = Stalls(market, self._say, rules.speed)
        self.is_connected = not rules.asks
        self.connected_us = 0
        self.joining = Joining(self)
        self.inquiry = Inquiry(self)
        self._life = Life(self)
        self._unnumbered = unnumbered = None if rules.numbered else Unnumbered(self)
        self._examine = partial(examine, self) if unnumbered is None else unnumbered.examine
        self._quote_watch = QuoteWatch(rules.speed)
        self.quote_lag = QuoteLag()
        self._noted_us = 0
        self.depth = DepthWatch(self) if rules.levels else None
        self.context = ContextWatch(self) if rules.context else None

    # What the stream says

    def add(self, event: TradeEvent | QuoteEvent, received_us: int) -> None:
        """Take in one event; raises BadMessage where it makes no sense, and is put aside."""
        if type(event) is TradeEvent:
            self.add_trade(event.trade, received_us)
        elif isinstance(event, QuoteEvent):
            self.add_quote(event, received_us)

    def add_trade(self, trade: Trade, received_us: int) -> None:
        """Take in a trade; raises BadMessage where it makes no sense, and is put aside."""
        ids, usual, batcher = self.ledger.ids, self.plausibility, self.batcher
        trade_id, time_us = trade.id, trade.time_us
        if (
            trade_id == ids.next_id
            and not usual.doubting
            and usual.low <= trade.price <= usual.high
            and batcher.newest_us <= time_us
            and time_us - received_us <= usual.latest_us
        ):
            ids.next_id = trade_id + 1
            batcher.newest_us = time_us
            batcher.newest_received_us = received_us
        elif not self._takes(trade, received_us):
            self.duplicates += 1
            return
        closed = batcher.add_trade(trade, received_us)
        self.trades += 1
        if self.quote_lag.is_measuring:
            self.quote_lag.trade(received_us, trade.price, bought=trade.taker == "buy")
        if closed:
            self._pass_all(closed, received_us)

    def _takes(self, trade: Trade, received_us: int) -> bool:
        """Look at a trade that is not the usual next one; say whether it is news."""
        batcher = self.batcher
        if self.plausibility.price is None:
            self.plausibility.move(trade.price)
        is_newest = self._examine(trade, received_us)
        if is_newest is None:
            return False
        batcher.out_of_step(trade.time_us)
        if is_newest:
            if self._unnumbered is None:
                self.ledger.ids.next_id = trade.id + 1
            batcher.newest_us, batcher.newest_received_us = trade.time_us, received_us
        else:
            batcher.filled_us = max(batcher.filled_us, trade.time_us)
        return True

    def add_quote(self, event: QuoteEvent, received_us: int) -> None:
        """Take in a quote; raises BadMessage where it makes no sense, and is put aside."""
        self._quote_watch.note()
        if not self.plausibility.check_quote(event, received_us):
            self.duplicates += 1
            return
        if self.plausibility.price is None:
            self.plausibility.move((event.bid + event.ask) / 2)
        self.quotes += 1
        is_undated = event.time_us is None and self.batcher.clock.offset_us is None
        if is_undated and self.plausibility.sure_offset_us is None:
            return  # a clock that was asked, and nothing else speaks for, may be hours off
        closed = self.batcher.add_quote(
            event.bid,
            event.bid_quantity,
            event.ask,
            event.ask_quantity,
            event.time_us,
            received_us,
        )
        if self.quote_lag.is_measuring:
            self.quote_lag.quote(received_us, event.bid, event.ask)
        for message in closed:
            self.pass_on(message, received_us)

    def book(self, event: BookEvent, received_us: int) -> None:
        """Take in an event of the book; raises BadMessage where it makes no sense."""
        if self.depth is not None:
            self._pass_all(self.depth.take(event, received_us), received_us)

    def tell(self, event: ContextEvent | LiquidationEvent, received_us: int) -> None:
        """Take in what is told of a perpetual; raises BadMessage where it makes no sense."""
        if self.context is not None:
            self._pass_all(self.context.take(event, received_us), received_us)

    def untold(self, received_us: int) -> None:
        """Note that the connection by which it was told is lost."""
        if self.context is not None:
            self._pass_all(self.context.lost(received_us), received_us)
            self.flush(received_us)

    def alive(self, event: Alive, received_us: int) -> None:
        """Take in a sign of life; raises BadMessage where it makes no sense."""
        self._life.hear(event, received_us)

    def flush(self, received_us: int) -> None:
        """Publish what is pending, at the end of a socket read."""
        message = self.batcher.flush()
        if message is not None:
            self.pass_on(message, received_us)

    def pass_on(self, message: Trades, received_us: int) -> None:
        """Publish a live message, or hold it back."""
        trades = message.trades
        if trades:
            self.note_pace(trades, self.batcher.newest_us)
            if self.rules.asks:
                self.ledger.remember(trades)
            self.joining.join()
        holding = self.joining.holding
        if holding is None:
            self.publish(message, received_us)
            return
        holding.add(message, received_us)

    def _pass_all(self, messages: Sequence[Trades], received_us: int) -> None:
        for message in messages:
            self.pass_on(message, received_us)

    def note_pace(self, trades: Sequence[Trade], newest_us: int) -> None:
        """Learn how fast the market trades, and at what price."""
        if self._noted_us:
            self.pace.note(len(trades), newest_us - self._noted_us)
        self._noted_us = max(self._noted_us, newest_us)
        self.plausibility.move(trades[-1].price)

    # How the connection is

    def connected(self, received_us: int) -> None:
        """Note that the exchange answers by the stream."""
        self.is_connected = True
        self.connected_us = received_us
        self.drop = None
        self.plausibility.connected()
        self._quote_watch.connected(received_us)
        if self.depth is not None:
            self.depth.connected(received_us)
        self.inquiry.hurry(received_us)

    def lost(self, received_us: int) -> None:
        """Note that the connection is lost: time stands still, and what is missed comes first."""
        if self.depth is not None:
            self._pass_all(self.depth.lost(received_us), received_us)
        if not self.rules.context_apart:
            self.untold(received_us)
        self.flush(received_us)
        self.is_connected = False
        self.joining.part()
        self.drop = None
        if self.rules.asks and self.rules.hold_s and self.joining.holding is None:
            self.joining.catch_up()

    def start(
        self,
        received_us: int,
        *,
        from_us: int | None,
        known: Known | None = None,
        exchange_us: int | None = None,
    ) -> None:
        """Begin with the past from a time on, after what is known.

        To be called before the first event, with what the exchange's clock says now. Without a time
        there is no past to be read, nor where nothing can be asked for.
        """
        known = known or Known()
        if exchange_us is not None:
            self.clock_is(exchange_us, received_us)
        if known.price is not None:
            self.plausibility.move(known.price)
        if self._unnumbered is not None:
            self._unnumbered.go_on(known)
        if from_us is None or not self.rules.asks:
            return
        until_us = from_us if exchange_us is None else exchange_us
        self.inquiry.begin(from_us, until_us, received_us)
        self.joining.start(received_us, from_us, known)

    def end(self) -> None:
        """Note that nothing comes any more, as at the end of a recording."""
        for gap in list(self.ledger.ids.gaps):
            self.ledger.give_up(gap, _NOTHING_COMES)

    # Time

    def tick(self, received_us: int, *, alive: bool = True) -> None:
        """Say how far time is seen, declare what is missing, and let go of what waits too long.

        `alive` says whether the connection gives a sign of life.
        """
        self._declare_due(received_us)
        self.quote_lag.tick(received_us)
        holding = self.joining.holding
        if holding is not None and holding.is_over(received_us):
            self.joining.let_go(received_us)
        channel: Channel = "connection"
        if self.is_connected and alive:
            channel = "trades"
            message = self.batcher.heartbeat(received_us)
            if message is not None:
                self.pass_on(message, received_us)
            self._watch_quotes(received_us)
            if self.depth is not None:
                self._pass_all(self.depth.tick(received_us), received_us)
        self._watch(received_us, channel)

    def _watch(self, received_us: int, channel: Channel) -> None:
        """Begin a stall where the silence is doubtful, end it where it is not."""
        batcher, stalls = self.batcher, self.stalls
        doubt_us = 0
        if self.rules.asks and batcher.newest_us and not self.joining.starting:
            doubt_us = batcher.doubt_us(received_us)
        if not doubt_us and stalls.now is not None and stalls.now.channel != "quotes":
            is_quiet = batcher.proven_until_us > batcher.newest_us
            stalls.end("quiet" if is_quiet else "resumed", batcher.seen_until_us)
        stalls.watch(doubt_us, channel, batcher.seen_until_us, received_us)

    def _watch_quotes(self, received_us: int) -> None:
        """Give a connection up, once, where quotes have ceased and trades go on."""
        silent_us = self._quote_watch.silent_us(received_us)
        batcher, stalls = self.batcher, self.stalls
        if not self._quote_watch.is_silent and stalls.now and stalls.now.channel == "quotes":
            stalls.end("resumed", batcher.seen_until_us)
        if silent_us is None or not self.rules.asks or batcher.doubt_us(received_us):
            return
        stalls.begin("quotes", batcher.seen_until_us)
        self.drop = f"no quotes of {self.market} for {silent_us / 1e6:.1f} s"

    def _declare_due(self, received_us: int) -> None:
        """Declare gaps that nothing has filled for a moment, but for what live trades wait for."""
        grace_us = self.rules.grace_ms * 1_000 * self.rules.speed
        for gap in list(self.ledger.ids.gaps):
            is_awaited = gap.awaited and self.joining.holding is not None
            is_due = received_us - gap.seen_us >= grace_us
            if gap.bottom and not gap.declared and is_due and not is_awaited:
                self.ledger.declare(gap)
                if not self.rules.asks:
                    self.ledger.give_up(gap, _NOBODY_TO_ASK)

    # What REST is to be asked, and says

    def ask(self, received_us: int) -> Ask | None:
        """Return what the exchange should be asked now, None while there is nothing."""
        return self.inquiry.ask(received_us)

    def answered(self, ask: Ask, answer: Answer, received_us: int) -> bool:
        """Take in an answer; say whether it is believed."""
        return self.inquiry.answered(ask, answer, received_us)

    def failed(self, ask: Ask, received_us: int, retry_after_s: float = 0.0) -> None:
        """Note that an answer was refused or made no sense: it is asked for again, later."""
        self.inquiry.failed(ask, received_us, retry_after_s)

    def clock_is(self, exchange_us: int, received_us: int, *, within_us: int = 0) -> None:
        """Note what the exchange's clock says, when asked: then, within so much."""
        self.plausibility.clock_is(exchange_us, received_us, within_us)

    def _say(self, message: Gap | Stall) -> None:
        self.publish(message, 0)

    # What can be said of it

    @property
    def price(self) -> float | None:
        """The last price that made sense."""
        return self.plausibility.price

    def exchange_ms(self, received_us: int) -> int | None:
        """Return what the exchange's clock says at most, None where nobody knows."""
        offset_us = self.batcher.offset_us
        if offset_us is None:
            return None
        underway_us = round(1e6 * (self.rules.speed - 1))  # what an answer takes, as market time
        return (received_us + offset_us + underway_us) // 1_000

    @property
    def history(self) -> float:
        """How far the past has been read, 0 to 1."""
        return self.joining.history

    @property
    def gaps(self) -> int:
        """How many gaps there were."""
        return self.ledger.opened

    @property
    def missing(self) -> int:
        """How many trades are missing."""
        return self.ledger.missing

    def said(self, received_us: int, *, connected: bool, reconnects: int, ended: bool) -> Feed:
        """Return how things stand."""
        stalled_ms = None
        offset_us, stall = self.batcher.offset_us, self.stalls.now
        if stall is not None and offset_us is not None and not ended:
            stalled_ms = max(0, (received_us + offset_us - stall.since_us) // 1_000)
        open_gaps = sum(gap.declared for gap in self.ledger.ids.gaps)
        lag_us = self.quote_lag.lag_us
        quote_lag_ms = None if lag_us is None else lag_us // 1_000
        return Feed(
            connected, reconnects, self.missing, self.history, ended, open_gaps, stalled_ms,
            quote_lag_ms, None if self.depth is None else self.depth.state,
        )  # fmt: skip
