from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import okx_swap
from exchanges.checks import check_frame
from exchanges.contracts import InBaseUnits, trade_in_base_units
from exchanges.events import BookEvent, Ignored, Notice, QuoteEvent, Several, TradeEvent
from exchanges.okx_swap.samples import SAMPLES
from exchanges.sources import Source
from marketstream.errors import BadMessage
from marketstream.messages import Trade

CENT = Fraction(1, 100)


@pytest.fixture
def sizes() -> dict[str, Fraction]:
    return {SAMPLES.symbol: CENT}


@pytest.fixture
def stream(sizes: dict[str, Fraction]) -> InBaseUnits:
    inner = okx_swap.VENUE.stream([SAMPLES.symbol], "okx-swap", levels=10)
    return InBaseUnits(inner, sizes)


def test_trades_quotes_and_books_are_in_base_units(stream: InBaseUnits) -> None:
    trade, quote = stream.parse(SAMPLES.trade), stream.parse(SAMPLES.quote)
    assert isinstance(trade, TradeEvent)
    assert (trade.trade.quantity, trade.trade.count) == (0.573, 4)
    assert isinstance(quote, QuoteEvent)
    assert (quote.bid_quantity, quote.ask_quantity) == (2.56, 4.152)
    assert quote.order == SAMPLES.quote_means.order
    book = stream.parse(SAMPLES.books[0][0])
    assert isinstance(book, BookEvent)
    assert (book.bids, book.asks) == (((104902.1, 0.07),), ((104902.4, 0.0),))
    assert (book.last, book.follows) == (40871190040, 40871190022)


def test_each_trade_of_a_frame_is_in_base_units(stream: InBaseUnits) -> None:
    begin, _, rows = SAMPLES.trade.partition(b"[")
    row = rows.removesuffix(b"]}")
    said = stream.parse(begin + b"[" + row + b"," + row + b"]}")
    assert isinstance(said, Several)
    assert [one.trade.quantity for one in said.events if isinstance(one, TradeEvent)] == [0.573] * 2


def test_what_has_no_quantity_is_as_it_was(stream: InBaseUnits) -> None:
    for frame in SAMPLES.beside:
        assert isinstance(stream.parse(frame), Ignored | Notice)


def test_nothing_is_said_while_nobody_knows_what_a_contract_is_worth(
    stream: InBaseUnits, sizes: dict[str, Fraction]
) -> None:
    sizes.clear()
    with pytest.raises(BadMessage, match="what a contract is worth is not known yet"):
        stream.parse(SAMPLES.trade)
    sizes[SAMPLES.symbol] = Fraction(1)
    said = stream.parse(SAMPLES.trade)
    assert isinstance(said, TradeEvent)
    assert said.trade == SAMPLES.trade_means


@given(st.binary(max_size=200))
def test_garbage_stays_a_bad_message(garbage: bytes) -> None:
    inner = okx_swap.VENUE.stream([SAMPLES.symbol], "okx-swap")
    check_frame(InBaseUnits(inner, {SAMPLES.symbol: CENT}), garbage)


@given(st.integers(1, 10**9), st.integers(0, 4))
def test_contracts_of_a_decimal_size_give_the_decimal_number(lots: int, decimals: int) -> None:
    trade = Trade(1, 1.0, float(lots), "buy", 1_700_000_000_000_000)
    size = Fraction(1, 10**decimals)
    assert trade_in_base_units(trade, size).quantity == float(f"{lots}e-{decimals}")


def test_a_source_of_contracts_tells_its_stream_what_its_client_learns() -> None:
    venue = okx_swap.VENUE
    source = Source("okx-swap", venue, venue.ws_url, venue.rest_url, (SAMPLES.symbol,))
    stream = source.stream()
    assert (stream.name, stream.markets) == ("okx-swap", source.markets)
    assert source.client().contract_sizes is source.contract_sizes
    source.contract_sizes[SAMPLES.symbol] = CENT
    said = stream.parse(SAMPLES.trade)
    assert isinstance(said, TradeEvent)
    assert said.trade.quantity == 0.573
