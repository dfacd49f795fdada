"""One contract for every venue: each check raises AssertionError that says what is wrong.

A venue has `samples.py` beside it, with `SAMPLES` of what it really says. The tests run `CHECKS` on
every venue of the catalogue, and `check_frame` on whatever they can think of.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from exchanges.book_checks import check_books
from exchanges.checked import Checked, check_trades
from exchanges.context_checks import check_context
from exchanges.events import (
    Alive,
    BookEvent,
    ContextEvent,
    Ignored,
    LiquidationEvent,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from exchanges.expectations import expect as _expect
from exchanges.expectations import like, others
from exchanges.expectations import raises as _raises
from exchanges.samples import Samples
from exchanges.venue import Page, Request, Stream, Venue
from marketstream.errors import BadMessage, NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.symbols import market_of

type Check = Callable[[Venue, Samples], None]

_FROM_MS = 1_700_000_000_000


def samples_of(venue: Venue) -> Samples:
    """Return what a venue really says, from the package of its name (`-` is `_` there)."""
    package = venue.name.replace("-", "_")
    samples: Samples = importlib.import_module(f"exchanges.{package}.samples").SAMPLES
    return samples


def check_declaration(venue: Venue, samples: Samples) -> None:
    """Check that what it declares agrees with itself, and with its samples."""
    _expect(venue.name.replace("-", "").isalnum() and venue.name.islower(), "name is like binance")
    _expect(venue.ws_url.startswith("wss://"), f"ws_url is {venue.ws_url}")
    _expect(venue.rest_url.startswith("https://"), f"rest_url is {venue.rest_url}")
    _expect(venue.most_symbols > 0, "a connection carries a symbol")
    known = set(Kline.__struct_fields__)
    _expect(venue.kline_fields <= known, f"no kline has {set(venue.kline_fields) - known}")
    _expect(bool(venue.kline_intervals) == (venue.page_klines > 0), "pages where there are klines")
    _expect((venue.past != "none") == (venue.page_trades > 0), "pages where there is a past")
    if venue.past == "none":
        _expect(venue.past_trades is None and not samples.past_means, "no past, no trades of it")
    _expect(venue.silence != "last_id" or venue.ids != "opaque", "an opaque id can't prove silence")
    _expect(
        (samples.quote_means.time_us is not None) == venue.quote_times,
        f"quote_times is {venue.quote_times}",
    )


def check_urls(venue: Venue, samples: Samples) -> None:
    """Check that it connects where it is told to; no WebSocket URL is a SettingsError."""
    stream = _stream(venue, samples)
    _expect(stream.stream_url(venue.ws_url).startswith("wss://"), "its own URL is one")
    _expect("127.0.0.1:7" in stream.stream_url("ws://127.0.0.1:7/ws"), "another server's is used")
    for url in ("", "nonsense", venue.rest_url):
        _raises(SettingsError, partial(stream.stream_url, url), f"URL {url!r}")


def check_markets(venue: Venue, samples: Samples) -> None:
    """Check that markets are named after who says so, each once, and too many are refused."""
    symbols = [samples.symbol, others(samples)[0], samples.symbol]
    for name in (venue.name, "simulator-7"):
        stream = venue.stream(symbols, name)
        wanted = tuple(market_of(name, symbol) for symbol in symbols[:2])
        _expect((stream.name, stream.markets) == (name, wanted), f"markets are {stream.markets}")
    most = like(samples, *(f"C{number}/USDT" for number in range(venue.most_symbols + 1)))
    _raises(SettingsError, lambda: venue.stream(most, venue.name), f"{len(most)} symbols")
    venue.stream(most[1:], venue.name)
    _raises(
        SettingsError,
        lambda: venue.stream([samples.symbol], venue.name, levels=venue.book_levels + 1),
        f"{venue.book_levels + 1} levels",
    )


def check_subscription(venue: Venue, samples: Samples) -> None:
    """Check that what is sent is JSON, the same each time, and more for more symbols."""
    stream = _stream(venue, samples)
    frames = stream.subscribe_frames()
    _expect(frames == stream.subscribe_frames(), "a second connection asks for the same")
    _expect(stream.request_interval_s >= 0, "time does not run backwards")
    for frame in frames:
        json.loads(frame)
    two = venue.stream([samples.symbol, *others(samples)], venue.name).subscribe_frames()
    _expect(sum(map(len, two)) >= sum(map(len, frames)), "more symbols, more to ask for")
    if venue.book_levels:
        books = venue.stream([samples.symbol], venue.name, levels=1).subscribe_frames()
        _expect(sum(map(len, books)) > sum(map(len, frames)), "books have to be asked for")


def check_frames(venue: Venue, samples: Samples) -> None:
    """Check that sample frames mean what they are said to mean, under whichever name."""
    for name in (venue.name, "simulator"):
        stream = venue.stream([others(samples)[0], samples.symbol], name)
        market = market_of(name, samples.symbol)
        said = stream.parse(samples.trade)
        _expect(said == TradeEvent(market, samples.trade_means), f"the trade is {said}")
        said = stream.parse(samples.quote)
        meant = samples.quote_means
        quote = QuoteEvent(
            market, meant.bid, meant.bid_quantity, meant.ask, meant.ask_quantity, meant.time_us,
            meant.order,
        )  # fmt: skip
        _expect(said == quote, f"the quote is {said}")
        for frame in samples.beside:
            said = stream.parse(frame)
            _expect(isinstance(said, Ignored | Notice), f"{frame!r} is {said}")


def check_other_markets(venue: Venue, samples: Samples) -> None:
    """Check that what is said of markets nobody asked for is ignored or refused."""
    stream = venue.stream(others(samples), venue.name, levels=venue.book_levels)
    for frame in (samples.trade, samples.quote, *(frame for frame, _ in samples.books)):
        check_frame(stream, frame)
        try:
            said = stream.parse(frame)
        except BadMessage:
            continue
        _expect(isinstance(said, Ignored), f"nobody asked for {said}")


def check_frame(stream: Stream, frame: bytes) -> None:
    """Check that a frame, whatever it is, is an event of a market asked for or a BadMessage."""
    try:
        event = stream.parse(frame)
    except BadMessage as error:
        _expect(len(str(error)) < 1_000, "a reason that can be read")
        return
    for one in event.events if isinstance(event, Several) else (event,):
        if not isinstance(one, Ignored | Notice):
            known = one.market in stream.markets or (isinstance(one, Alive) and one.market is None)
            _expect(known, f"nobody asked for {one.market}")
        if isinstance(one, TradeEvent):
            trade = one.trade
            _expect(trade.price > 0 and trade.quantity > 0 and trade.count > 0, f"{trade} is none")
        if isinstance(one, QuoteEvent):
            _expect(0 < one.bid < one.ask, f"no quote: {one}")
        if isinstance(one, LiquidationEvent):
            _expect(one.price > 0 and one.quantity > 0, f"{one} is none")
        if isinstance(one, ContextEvent):
            prices = (one.mark, one.index)
            _expect(all(price is None or price > 0 for price in prices), f"no price: {one}")
        if isinstance(one, BookEvent):
            levels = [*one.bids, *one.asks]
            _expect(all(price > 0 <= quantity for price, quantity in levels), f"no book: {one}")


def check_requests(venue: Venue, samples: Samples) -> None:
    """Check that requests are paths and texts, and a page by id differs from one by time."""
    rest = venue.rest
    by_time = rest.trades_request(samples.symbol, page_id=None, from_ms=_FROM_MS)
    requests = [rest.server_time_request(), rest.market_info_request(samples.symbol), by_time]
    if venue.past == "by_id":
        by_id = rest.trades_request(samples.symbol, page_id=7, from_ms=_FROM_MS)
        _expect(by_id != by_time, "a page id is asked for")
        requests.append(by_id)
    requests += [
        rest.klines_request(samples.symbol, interval, from_ms=_FROM_MS)
        for interval in venue.kline_intervals
    ]
    if venue.book is not None:
        requests.append(venue.book.book_request(samples.symbol))
    for request in requests:
        _expect(isinstance(request, Request) and request.path.startswith("/"), f"{request}")
        _expect(all(isinstance(value, str) for value in request.query.values()), f"{request}")


def check_answers(venue: Venue, samples: Samples) -> None:
    """Check that sample answers mean what they are said to, and a symbol not traded is told."""
    rest, symbol = venue.rest, samples.symbol
    info = rest.parse_market_info(symbol, 200, samples.market_info)
    _expect(info == samples.market_info_means, f"tick and lot are {info}")
    time_ms = rest.parse_server_time(200, samples.server_time)
    _expect(time_ms == samples.server_time_ms, f"the clock says {time_ms}")
    if venue.past != "none":
        past = rest.parse_trades(symbol, 200, samples.past)
        _expect(past == Page(list(samples.past_means)), f"the past is {past}")
        _expect(len(past.trades) > 1, "order shows in two rows")
    if venue.kline_intervals:
        klines = rest.parse_klines(symbol, 200, samples.klines)
        _expect(klines == list(samples.klines_mean) and len(klines) > 1, f"klines are {klines}")
    _raises(
        SettingsError,
        lambda: rest.parse_market_info(like(samples, "NO/SUCH")[0], *samples.not_traded),
        "not traded",
    )


def check_bad_answers(venue: Venue, samples: Samples) -> None:
    """Check that an answer of another status, shape or symbol is a NetworkError, a bad row is not.

    Klines out of order are one too; trades are put in order, each once.
    """
    rest, symbol = venue.rest, samples.symbol
    parsers: list[tuple[bytes, Callable[[int, bytes], object]]] = [
        (samples.market_info, lambda status, body: rest.parse_market_info(symbol, status, body)),
        (samples.server_time, rest.parse_server_time),
    ]
    rows: list[tuple[bytes, Callable[[int, bytes], object]]] = []
    if venue.past != "none":
        rows.append((samples.past, lambda status, body: rest.parse_trades(symbol, status, body)))
    if venue.kline_intervals:
        rows.append((samples.klines, lambda status, body: rest.parse_klines(symbol, status, body)))
    if venue.book is not None:
        parsers.append((samples.book, partial(venue.book.parse_book, "any:BTC/USDT")))
    for body, parse in [*parsers, *rows]:
        cut = body[:-2]
        for status, bad in (
            (500, body), (200, b""), (200, b"<html>"), (200, b"7"), (200, cut), (403, b"\xff"),
        ):  # fmt: skip
            _raises(NetworkError, partial(parse, status, bad), f"{status} {bad[:40]!r}")
    if venue.past != "none":
        _check_rows(venue, samples)
    if venue.kline_intervals:
        body, parse = rows[-1]
        for bad in (_with_rows(body, reversed), _with_rows(body, lambda rows: [*rows, rows[-1]])):
            _raises(NetworkError, partial(parse, 200, bad), f"disorder {bad[:40]!r}")
    another = others(samples)[0]
    is_listed = rest.market_info_request(another) == rest.market_info_request(symbol)
    _raises(  # in a list of all symbols it is looked for, and not found
        SettingsError if is_listed else NetworkError,
        lambda: rest.parse_market_info(another, 200, samples.market_info),
        "another",
    )


CHECKS: tuple[Check, ...] = (
    check_declaration,
    check_urls,
    check_markets,
    check_subscription,
    check_frames,
    check_books,
    check_context,
    check_other_markets,
    check_requests,
    check_answers,
    check_bad_answers,
)


def _check_rows(venue: Venue, samples: Samples) -> None:
    """Check that trades in disorder are put in order, and a row that is none is refused alone."""
    symbol, came = samples.symbol, samples.past_means
    means = sorted(came, key=lambda row: row.page_id)

    def read(change: Callable[[list[Any]], Any]) -> Checked:
        page = venue.rest.parse_trades(symbol, 200, _with_rows(samples.past, change))
        return check_trades(
            page, symbol, page_id=None, from_ms=0, contiguous=False,
            ordered=venue.ids != "opaque",
        )  # fmt: skip

    for change in (reversed, lambda rows: [*rows, rows[-1]], lambda rows: rows + rows):
        _expect(read(change)[0] == means, "trades in disorder are put in order, each once")
    odd_rows: tuple[object, ...] = (None, 7, "", [], {})
    for odd in odd_rows:
        checked = read(partial(_with_odd_row, odd))
        others = [row for row in means if row != came[0]]
        _expect(checked[0] == others, f"of rows without the first there is {checked.trades}")
        _expect(len(checked.refused) == 1, f"{odd!r} is refused alone: {checked.refused}")


def _with_odd_row(odd: object, rows: list[Any]) -> list[Any]:
    return [odd, *rows[1:]]


def _stream(venue: Venue, samples: Samples) -> Stream:
    return venue.stream([samples.symbol], venue.name)


def _with_rows(body: bytes, change: Callable[[list[Any]], Any]) -> bytes:
    """Return an answer whose longest list is changed."""
    answer = json.loads(body)
    lists: list[tuple[Any, Any, list[Any]]] = []

    def look(holder: Any, key: Any, value: Any) -> None:
        if isinstance(value, list) and value and isinstance(value[0], list | dict):
            lists.append((holder, key, value))
        elif isinstance(value, dict):
            for name, below in value.items():
                look(value, name, below)

    look(holder := [answer], 0, answer)
    for place, key, rows in lists[:1]:
        place[key] = list(change(rows))
    return json.dumps(holder[0]).encode()
