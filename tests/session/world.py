"""An exchange and a connection to it that fail in every way, played by events alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from exchanges.events import Alive, QuoteEvent, TradeEvent
from marketstream.errors import BadMessage
from marketstream.messages import Gap, Stall, Trade, Trades
from trades.session.market import MarketSession
from trades.session.rules import Answer, Ask, Row, Rules

MARKET = "binance:BTC/USDT"
START_US = 1_700_000_000_000_000
OFFSET_US = 250_000  # the exchange's clock is ahead of ours
STEP_US = 50_000
HOLD_S = 2.0
_OPAQUE = (1 << 61) - 1  # a prime: ids scatter over all below it, each once
_SCATTERING = 1_234_567_890_123_457

type Spoil = Callable[[Trade], Trade]


@dataclass
class World:
    """A market that trades every `every_us`, what it truly traded, and a session that follows it.

    `silent` are channels of which nothing comes, `rest` is how REST is: `well`, `failing`, `empty`,
    `behind`, `holes`, `clockless` where only the time is refused, `another` where it answers with
    the trades of one at 500 times the price, or `alike`: of one that trades as often, with the same
    ids, at a price that this one may have soon.
    """

    every_us: int = 20_000
    now_us: int = START_US  # the exchange's
    truth: list[Trade] = field(default_factory=list)
    published: list[Trades] = field(default_factory=list)
    gaps: dict[object, Gap] = field(default_factory=dict)
    stalls: list[Stall] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    rest: str = "well"
    drop_next: int = 0
    spoil_next: Spoil | None = None
    spoil_more: int = 0  # of the trades after it
    repeat_next: int = 0
    swap_next: bool = False
    connected: bool = False
    reconnect_in_us: int = 0
    asks: int = 0
    page: int = 100
    rules: Rules = field(default_factory=Rules)  # as far as the venue's kind goes

    def __post_init__(self) -> None:
        self._next_id = 1_000
        self._numberings = [0]  # where in the truth each begins
        self._answer: tuple[Ask, list[Row], int] | None = None
        self._late: list[Trade] = []
        self._beat_us = 0
        asks = self.rules.numbered  # else nothing is asked for
        rules = dataclasses.replace(self.rules, asks=asks, hold_s=HOLD_S, page_trades=self.page)
        self.session = MarketSession(MARKET, self._heard, rules)

    @property
    def received_us(self) -> int:
        """Our clock."""
        return self.now_us - OFFSET_US

    def trade(self) -> Trade:
        """Have one more trade happen."""
        number = self._numbered(self._next_id)
        self._next_id += 1
        price, quantity = 100.0 + self._next_id % 7 / 10, 1 + self._next_id % 5 / 10
        trade = Trade(number, price, quantity, "buy" if number % 3 else "sell", self.now_us)
        self.truth.append(trade)
        return trade

    def _numbered(self, number: int) -> int:
        """Return the id of so-manieth trade, as far as ids tell anything."""
        if self.rules.ids == "ordered":
            return number * 1_000
        return number if self.rules.numbered else number * _SCATTERING % _OPAQUE

    def number_again(self) -> None:
        """Begin the ids again, where the old ones are known, and far enough from the new ones."""
        if self._next_id > 500 and self.session.history == 1 and self.rest != "alike":
            self.number_anew()

    def number_anew(self, first_id: int = 1) -> None:
        """Begin the ids again whatever is known; ids are asked for in the newest numbering."""
        self._next_id = first_id
        self._numberings.append(len(self.truth))

    def answer_alike(self) -> None:
        """Answer with another market's trades, but for a past beside which nothing is known."""
        is_known = (
            self.session.history == 1 and self.session.ledger.epoch == len(self._numberings) - 1
        )
        if is_known and self.session.rules.marks:
            self.rest = "alike"

    def begin(self, seconds: float = 3.0, *, tells_time: bool = True) -> None:
        """Trade for a while, then begin to follow with nothing known."""
        for _ in range(round(seconds * 1e6 / self.every_us)):
            self.now_us += self.every_us
            self.trade()
        from_us = self.now_us - 2_000_000
        exchange_us = self.now_us if tells_time else None
        self.session.start(self.received_us, from_us=from_us, exchange_us=exchange_us)
        self.connect()

    def connect(self) -> None:
        """Have the exchange answer by the stream."""
        self.connected = True
        self.session.connected(self.received_us)

    def cut(self, for_us: int = 200_000) -> None:
        """Lose the connection for a while."""
        if self.connected:
            self.connected = False
            self.session.lost(self.received_us)
        self.reconnect_in_us = for_us

    def run(self, seconds: float) -> None:
        """Let time go on."""
        until_us = self.now_us + round(seconds * 1e6)
        due_us = self.now_us
        while self.now_us < until_us:
            self.now_us += STEP_US
            happened = []
            while due_us + self.every_us <= self.now_us:
                due_us += self.every_us
                at_us, self.now_us = self.now_us, due_us
                happened.append(self.trade())
                self.now_us = at_us
            self._stream(happened)
            self._time()
            self._rest()

    def _stream(self, happened: list[Trade]) -> None:
        if not self.connected:
            self.reconnect_in_us -= STEP_US
            if self.reconnect_in_us <= 0:
                self.connect()
            return
        if "trades" not in self.silent:
            for trade in happened:
                self._deliver(trade)
        if "quotes" not in self.silent:
            self._take(QuoteEvent(MARKET, 99.9, 1.0, 100.8, 1.0))
        if self.rules.silence == "last_id" and self.now_us >= self._beat_us:
            self._beat_us = self.now_us + 1_000_000
            if self.truth and "beats" not in self.silent:
                self._hear(Alive(MARKET, self.truth[-1].id, self.now_us))
        self.session.flush(self.received_us)
        if self.session.drop is not None:
            self.cut()

    def _deliver(self, trade: Trade) -> None:
        if self.drop_next:
            self.drop_next -= 1
            return
        if self.swap_next:
            self.swap_next = False
            self._late.append(trade)
            return
        if self.spoil_next is not None:
            trade = self.spoil_next(trade)
            if self.spoil_more == 0:
                self.spoil_next = None
            self.spoil_more = max(0, self.spoil_more - 1)
        for one in [trade, *self._late]:
            for _ in range(self.repeat_next + 1):
                self._take(TradeEvent(MARKET, one))
        self._late.clear()
        self.repeat_next = 0

    def _take(self, event: TradeEvent | QuoteEvent) -> None:
        try:
            self.session.add(event, self.received_us - 30_000)
        except BadMessage as error:
            self.refused.append(str(error))

    def _hear(self, event: Alive) -> None:
        try:
            self.session.alive(event, self.received_us - 30_000)
        except BadMessage as error:
            self.refused.append(str(error))

    def _time(self) -> None:
        self.session.tick(self.received_us, alive=self.connected)

    def _rest(self) -> None:
        """Give the answer to what was asked a step ago, and take the next question."""
        if self._answer is not None:
            ask, rows, asked_us = self._answer
            self._answer = None
            timeless = self.rest == "clockless" and ask.kind == "time"
            answer = self.answer(ask, rows, asked_us)
            if self.rest == "failing" or timeless or answer is None:
                self.session.failed(ask, self.received_us)
            elif ask.kind == "time":
                self.session.clock_is(self.now_us, self.received_us)
            else:
                self.session.answered(ask, answer, self.received_us)
            return
        wanted = self.session.ask(self.received_us)
        if wanted is not None:
            self.asks += 1
            self._answer = (wanted, self._rows(wanted), self.received_us)

    def answer(self, ask: Ask, rows: list[Row], asked_us: int) -> Answer | None:
        """Return what the edge makes of rows, None where it refuses the page."""
        del ask
        ids = [row.trade.id for row in rows]
        if ids != sorted(ids) or self._is_anothers(rows):
            return None
        return Answer(rows, asked_us, is_full=len(rows) >= self.page)

    def _is_anothers(self, rows: list[Row]) -> bool:
        price = self.session.price
        return price is not None and any(row.trade.price > 2 * price for row in rows)

    def _rows(self, ask: Ask) -> list[Row]:
        known = self.truth
        if ask.page.page_id is not None:
            known = known[self._numberings[-1] :]
        if self.rest == "behind":
            known = [trade for trade in known if trade.time_us < self.now_us - 400_000]
        if self.rest == "empty":
            return []
        if ask.kind == "newest":
            known = known[-1:]
        elif ask.page.page_id is not None:
            known = [trade for trade in known if trade.id >= ask.page.page_id]
        else:
            known = [trade for trade in known if trade.time_us // 1_000 >= ask.page.from_ms]
        if self.session.rules.only_newest:
            known = [trade for trade in self.truth[-self.page :] if trade in known]
        rows = [Row(trade.id, trade) for trade in known[: self.page]]
        if self.rest == "another":
            return [Row(one.page_id, price_of(500)(one.trade)) for one in rows]
        if self.rest == "alike":
            return [Row(one.page_id, later_by(7_000)(price_of(1.3)(one.trade))) for one in rows]
        return [row for row in rows if row.trade.id % 10] if self.rest == "holes" else rows

    def _heard(self, message: Trades | Gap | Stall, received_us: int) -> None:
        del received_us
        if isinstance(message, Trades):
            self.published.append(message)
            if message.proven_until_us is not None:
                self._check_proof(message.proven_until_us)
        elif isinstance(message, Gap):
            before = self.gaps.get(message.identity)
            assert before is None or before.state == "open", (before, message)
            self.gaps[message.identity] = message
        else:
            self.stalls.append(message)

    def _check_proof(self, until_us: int) -> None:
        assert until_us <= self.now_us, "proven of the future"
        had = {(trade.id, trade.time_us) for one in self.published for trade in one.trades}
        first_us = min((time_us for _, time_us in had), default=until_us)
        for trade in self.truth:
            if first_us <= trade.time_us < until_us and (trade.id, trade.time_us) not in had:
                assert self.is_declared(trade), f"{trade} is not declared, and proven not to be"

    def is_declared(self, trade: Trade) -> bool:
        """Say whether a trade is in a gap, by its id or its time: no candle there is complete."""
        return any(
            gap.first_id <= trade.id < gap.end_id
            or gap.since_us <= trade.time_us <= (gap.until_us or 0)
            for gap in self.gaps.values()
            if gap.state != "repaired"
        )

    def check(self, *, at_rest: bool = False) -> None:
        """Compare what was published with what was traded.

        Unless `at_rest`, what is being asked for need not be declared yet.
        """
        had: dict[tuple[int, int], Trade] = {}
        for message in self.published:
            for trade in message.trades:
                key = (message.epoch, trade.id)
                assert key not in had, f"{trade} was published twice"
                had[key] = trade
        true = {(trade.id, trade.time_us): trade for trade in self.truth}
        for trade in had.values():
            assert true.get((trade.id, trade.time_us)) == trade, f"{trade} never happened"
        came = {(trade.id, trade.time_us) for trade in had.values()}
        if not came:
            return
        first_us = min(time_us for _, time_us in came)
        last_us = max(time_us for _, time_us in came)
        for trade in self.truth:
            if first_us < trade.time_us <= last_us and (trade.id, trade.time_us) not in came:
                asked = not at_rest and self.session.ledger.ids.find(trade.id) is not None
                assert asked or self.is_declared(trade), f"{trade} is lost, and nobody says so"

    def missing(self) -> list[Trade]:
        """Return the trades since the first published one that were not, but for the newest."""
        came = {trade.id for one in self.published for trade in one.trades}
        first_us = min(trade.time_us for one in self.published for trade in one.trades)
        last_us = self.now_us - 1_000_000
        return [t for t in self.truth if first_us < t.time_us < last_us and t.id not in came]


def price_of(factor: float) -> Spoil:
    """Return what multiplies a price."""
    return lambda trade: replace(trade, price=trade.price * factor)


def later_by(us: int) -> Spoil:
    """Return what moves a time."""
    return lambda trade: replace(trade, time_us=trade.time_us + us)


def id_plus(count: int) -> Spoil:
    """Return what changes an id."""
    return lambda trade: replace(trade, id=max(0, trade.id + count))
