"""What is known of one market: past, live and catching up as one state machine without I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exchanges.events import QuoteEvent, TradeEvent
from marketstream.messages import Channel, Feed, Gap, Stall, Trade, Trades
from trades.batching import TradesBatcher
from trades.session.holding import Holding
from trades.session.ids import OpenGap
from trades.session.inquiry import Inquiry
from trades.session.ledger import Ledger
from trades.session.pages import first_id
from trades.session.plausibility import Plausibility
from trades.session.rules import Ask, Row, Rules
from trades.session.silence import Silence
from trades.session.stalls import QuoteWatch, Stalls

type Publish = Callable[[Trades | Gap | Stall, int], None]
"""Takes a message and when (µs) what it follows from was received, 0 for the past."""

_GAP_REST_US = 250_000  # a trade out of order may still come by itself
_PAST_PATIENCE_US = 60_000_000
_NOBODY_TO_ASK = "there is nobody to ask for trades of the past"
_NOTHING_COMES = "the recording does not have them"
_NUMBERS_AGAIN = "the exchange has begun its numbers again"


class MarketSession:
    """Takes in what the stream and REST say of one market, and publishes what follows.

    One ledger knows which trades came, by whatever way: each is published once. Live messages are
    held back while what is missing before them is fetched. Time stands still where a silence is
    longer than plausible, until the exchange, asked, knows no more either; where it does, `drop`
    says why the connection has to be given up. What makes no sense is put aside (BadMessage), and
    is missing until REST brings it. Times are in µs; `received_us` are of the caller's clock, which
    never steps. `history` is how far the past has been read, 0 to 1.
    """

    def __init__(self, market: str, publish: Publish, rules: Rules | None = None) -> None:
        rules = rules or Rules()
        self.market = market
        self.rules = rules
        self.quotes = self.trades = self.duplicates = 0
        self.drop: str | None = None
        self.history = 1.0
        self.publish = publish
        self.batcher = TradesBatcher(
            market,
            price_decimals=rules.price_decimals,
            quantity_decimals=rules.quantity_decimals,
            finest_ms=rules.base_ms,
            grace_ms=round(rules.grace_ms * rules.speed),
        )
        self.ledger = Ledger(market, self._say)
        self.plausibility = Plausibility(self.batcher, asks=rules.asks)
        self.pace = Silence(
            least_us=round(1e6 * rules.speed),
            most_us=round(60e6 * rules.speed),
            unknown_us=round(5e6 * rules.speed),
        )
        self.stalls = Stalls(market, self._say, rules.speed)
        self.holding: Holding | None = None
        self.starting = False  # the past is being read
        self.is_connected = not rules.asks
        self.connected_us = 0
        self._quote_watch = QuoteWatch(rules.speed)
        self._inquiry = Inquiry(self)
        self._joined = not rules.asks
        self._noted_us = 0
        self._lost_after: tuple[int, int] | None = None  # id and time, while that is caught up with
        if not rules.asks:
            self.batcher.plausible_us = self.pace.plausible_us

    # What the stream says

    def add(self, event: TradeEvent | QuoteEvent, received_us: int) -> None:
        """Take in one event; raises BadMessage where it makes no sense, and is put aside."""
        if type(event) is not TradeEvent:
            self._add_quote(event, received_us)
            return
        trade = event.trade
        time_us = trade.time_us
        ids, usual, batcher = self.ledger.ids, self.plausibility, self.batcher
        is_newest = trade.id == ids.next_id
        if not (
            is_newest
            and not usual.doubting
            and usual.low <= trade.price <= usual.high
            and batcher.newest_us <= time_us <= received_us + usual.latest_us
        ):
            examined = self._examine(trade, received_us)
            if examined is None:
                self.duplicates += 1
                return
            ids, is_newest = self.ledger.ids, examined
        if is_newest:
            ids.next_id = trade.id + 1
        self.trades += 1
        for message in batcher.add_trade(trade, received_us, newest=is_newest):
            self._pass(message, received_us)

    def _add_quote(self, event: QuoteEvent, received_us: int) -> None:
        self._quote_watch.note()
        if not self.plausibility.check_quote(event, received_us):
            self.duplicates += 1
            return
        closed = self.batcher.add_quote(
            event.bid,
            event.bid_quantity,
            event.ask,
            event.ask_quantity,
            event.time_us,
            received_us,
        )
        self.quotes += 1
        for message in closed:
            self._pass(message, received_us)

    def _examine(self, trade: Trade, received_us: int) -> bool | None:
        """Look at a trade that is not the usual next one: whether it is the newest.

        None where it is known, or REST is to bring it. Raises BadMessage where it is put aside.
        """
        ledger, plausibility = self.ledger, self.plausibility
        first, next_id = first_id(trade), ledger.ids.next_id
        gap = None
        if next_id is not None and first < next_id:
            gap = ledger.ids.find(trade.id)
            if gap is None and trade.time_us <= self.batcher.newest_us:
                return None
            if gap is not None and not gap.bottom:
                return None  # the past is being read, and it is in there
            if gap is None or plausibility.is_after(trade, gap):
                plausibility.check_new_numbering(trade, received_us)
                self._begin_again(trade, received_us)
                return True
        plausibility.check(trade, gap, received_us)
        if gap is not None:
            ledger.fill(gap, range(trade.id, trade.id + 1))
            return False
        jumped = None if next_id is None else first - next_id
        asks = self.rules.asks
        if asks and not self._joined and not plausibility.is_confirmed(trade, jumped):
            return None
        if next_id is None and self.holding is not None:
            ledger.past_before(trade, 0, received_us)
        if next_id is not None and first > next_id:
            if self._joined:
                plausibility.check_jump(trade, first - next_id)
            ledger.open(
                OpenGap(
                    next_id,
                    first,
                    self.batcher.newest_us,
                    trade.time_us,
                    received_us,
                    awaited=not self._joined,
                    ask_at_us=received_us + round(_GAP_REST_US * self.rules.speed),
                )
            )
        plausibility.believe()
        return True

    def _begin_again(self, trade: Trade, received_us: int) -> None:
        """Begin a new numbering; what came before this trade in it is asked for by time."""
        self.flush(received_us)
        if self.holding is not None:
            self.let_go(received_us)  # what those wait for is of the old numbers
        self._lost_after = None
        since_us = self.batcher.newest_us
        self.ledger.begin_again(trade, since_us, _NUMBERS_AGAIN)
        self.batcher.epoch = self.ledger.epoch
        self.plausibility.believe()
        if self.rules.asks:  # beyond the last of the old numbers: a page of both is refused
            self._wait_for_past_before(trade, since_us + 1_000, received_us)

    def _wait_for_past_before(self, trade: Trade, since_us: int, received_us: int) -> None:
        """Hold live trades back for a past whose first id nobody knows."""
        self.ledger.past_before(trade, since_us, received_us)
        self.hold(since_us)

    def flush(self, received_us: int) -> None:
        """Publish what is pending, at the end of a socket read."""
        message = self.batcher.flush()
        if message is not None:
            self._pass(message, received_us)

    def _pass(self, message: Trades, received_us: int) -> None:
        """Publish a live message, or hold it back."""
        trades = message.trades
        if trades:
            self.note_pace(trades, self.batcher.newest_us)
            self.ledger.remember(trades)
            self.join()
        if self.holding is None:
            self.publish(message, received_us)
            return
        self.holding.add(message, received_us)

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
        self._inquiry.hurry(received_us)

    def lost(self, received_us: int) -> None:
        """Note that the connection is lost: time stands still, and what is missed comes first."""
        self.flush(received_us)
        self.is_connected = False
        self.part()
        self.drop = None
        if self.rules.asks and self.rules.hold_s and self.holding is None:
            self.catch_up()

    def join(self) -> None:
        """Note that the stream goes on from what is known."""
        self._joined = True
        self.batcher.plausible_us = self.pace.plausible_us

    def part(self) -> None:
        """Note that between what is known and what comes anything may be missing."""
        self._joined = False
        self.batcher.plausible_us = 0

    def catch_up(self) -> None:
        """Hold live trades back until what is missing after those that came is fetched."""
        next_id = self.ledger.ids.next_id
        if next_id is not None:
            self._lost_after = next_id, self.batcher.newest_us
        self.hold(self.batcher.newest_us)

    def hold(self, since_us: int) -> None:
        """Hold back what comes from now on, until what is missing since a time is fetched."""
        if self.holding is None:
            patience_us = round(self.rules.hold_s * 1e6)
            if self.starting:
                patience_us = max(patience_us, _PAST_PATIENCE_US)
            self.holding = Holding(round(patience_us * self.rules.speed))
        self._inquiry.catch_up_from(since_us)

    def pass_before(self, trade_id: int) -> None:
        """Pass on what was held back ahead of an id."""
        if self.holding is not None:
            self.holding.pass_before(trade_id, self.publish)

    def let_go(self, received_us: int) -> None:
        """Pass on what was held back; what is missing before it is a gap from now on."""
        holding, self.holding = self.holding, None
        self._say_caught_up(holding)
        self.starting, self.history = False, 1.0
        for gap in list(self.ledger.ids.gaps):
            if not gap.bottom:
                self.ledger.ids.gaps.remove(gap)  # a past that can't be had, and nobody knows of
            elif not gap.declared:
                self.ledger.declare(gap)
                gap.ask_at_us = max(gap.ask_at_us, received_us)
        if holding is not None:
            holding.let_go(self.publish)

    def _say_caught_up(self, holding: Holding | None) -> None:
        """Say what a lost connection had missed, where all of it was fetched before the rest."""
        lost_after, self._lost_after = self._lost_after, None
        if lost_after is None or holding is None:
            return
        (first_id_, since_us), first = lost_after, holding.first
        end_id = self.ledger.ids.next_id if holding.end_id is None else holding.end_id
        if end_id is None or end_id <= first_id_:
            return
        if not any(gap.end_id > first_id_ for gap in self.ledger.ids.gaps):
            until_us = None if first is None else first.time_us
            self.ledger.caught_up(first_id_, end_id, since_us, until_us)

    def start(
        self,
        received_us: int,
        *,
        from_us: int | None,
        last_id: int | None = None,
        last_us: int = 0,
        newest: Sequence[Trade] = (),
        epoch: int = 0,
        open_gaps: Sequence[Gap] = (),
        exchange_us: int | None = None,
    ) -> None:
        """Begin with the past from a time on, after a last known trade, and gaps.

        To be called before the first event, with what the exchange's clock says now. Without a time
        there is no past to be read.
        """
        if exchange_us is not None:
            self.clock_is(exchange_us, received_us)
        if from_us is None:
            return
        self.batcher.epoch = epoch
        self.starting = last_id is None
        self.history = 0.0
        if last_id is not None:
            self.ledger.go_on(last_id, newest, epoch)
            self.batcher.newest_us = last_us
            if newest:
                self.plausibility.move(newest[-1].price)
            for gap in open_gaps:
                if gap.epoch == epoch and gap.first_id < gap.end_id <= last_id + 1:
                    self.ledger.open(
                        OpenGap(
                            gap.first_id,
                            gap.end_id,
                            gap.since_us,
                            gap.until_us,
                            received_us,
                            declared=True,
                            ask_at_us=received_us,
                        )
                    )
        self._inquiry.begin(from_us, from_us if exchange_us is None else exchange_us)
        self.hold(from_us)

    def clock_is(self, exchange_us: int, received_us: int) -> None:
        """Note what the exchange's clock says, when asked."""
        self.plausibility.clock_is(exchange_us, received_us)

    # Time

    def tick(self, received_us: int, *, alive: bool = True) -> None:
        """Say how far time is seen, declare what is missing, and let go of what waits too long.

        `alive` says whether the connection gives a sign of life.
        """
        self._declare_due(received_us)
        if self.holding is not None and self.holding.is_over(received_us):
            self.let_go(received_us)
        channel: Channel = "connection"
        if self.is_connected and alive:
            channel = "trades"
            message = self.batcher.heartbeat(received_us)
            if message is not None:
                self._pass(message, received_us)
            self._watch_quotes(received_us)
        self._watch(received_us, channel)

    def _watch(self, received_us: int, channel: Channel) -> None:
        """Begin a stall where the silence is doubtful, end it where it is not."""
        batcher, stalls = self.batcher, self.stalls
        doubt_us = 0
        if self.rules.asks and batcher.newest_us and not self.starting:
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
            is_awaited = gap.awaited and self.holding is not None
            is_due = received_us - gap.seen_us >= grace_us
            if gap.bottom and not gap.declared and is_due and not is_awaited:
                self.ledger.declare(gap)
                if not self.rules.asks:
                    self.ledger.give_up(gap, _NOBODY_TO_ASK)

    def end(self) -> None:
        """Note that nothing comes any more, as at the end of a recording."""
        for gap in list(self.ledger.ids.gaps):
            self.ledger.give_up(gap, _NOTHING_COMES)

    # What REST is to be asked, and says

    def ask(self, received_us: int) -> Ask | None:
        """Return what the exchange should be asked now, None while there is nothing."""
        return self._inquiry.ask(received_us)

    def answered(
        self, ask: Ask, rows: Sequence[Row], received_us: int, asked_us: int | None = None
    ) -> None:
        """Take in an answer: trades in the order of their ids, asked for at `asked_us`."""
        self._inquiry.answered(ask, rows, received_us, asked_us)

    def failed(self, received_us: int, retry_after_s: float = 0.0) -> None:
        """Note that an answer was refused or made no sense: it is asked for again, later."""
        self._inquiry.failed(received_us, retry_after_s)

    def _say(self, message: Gap | Stall) -> None:
        self.publish(message, 0)

    # What can be said of it

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
        return Feed(connected, reconnects, self.missing, self.history, ended, open_gaps, stalled_ms)
