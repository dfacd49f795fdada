"""Books folded from recordings say what the exchanges themselves said of their best levels."""

from __future__ import annotations

import gzip
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exchanges.binance import VENUE as SPOT
from exchanges.binance_usdm import VENUE as USDM
from exchanges.book import Book
from exchanges.book_side import Reach
from exchanges.checksums import kraken_checksum, okx_checksum
from exchanges.coinbase import VENUE as COINBASE
from exchanges.events import BookEvent, Event, Levels, QuoteEvent, Several
from exchanges.okx import VENUE as OKX
from exchanges.okx_swap import VENUE as OKX_SWAP
from exchanges.venue import Venue

pytestmark = pytest.mark.data

SPOT_FILES = ("binance-spot-BTCUSDT-20240808", "binance-spot-BTCUSDT-20240809")
USDM_FILES = ("binance-usdm-BTCUSDT-20240808",)


def said(
    folder: Path, files: tuple[str, ...], venue: Venue, symbol: str
) -> Iterator[BookEvent | QuoteEvent]:
    """What frames say of quotes and the book; its snapshot stands among them as REST sent it."""
    stream = venue.stream([symbol], venue.name, levels=1)
    assert venue.book is not None
    for name in files:
        with gzip.open(folder / "trades" / f"{name}.frames.gz") as lines:
            for line in lines:
                frame = line.partition(b" ")[2].strip()
                if frame.startswith(b'{"lastUpdateId"'):
                    yield venue.book.parse_book(stream.markets[0], 200, frame)
                    continue
                event = stream.parse(frame)
                if isinstance(event, BookEvent | QuoteEvent):
                    yield event


type Quote = tuple[float, ...]


def agreement(events: Iterator[BookEvent | QuoteEvent], reach: Reach) -> tuple[Counter[str], Book]:
    """Count how often the best levels were those of a quote.

    That is the quote of the same update id where there is one (`shared`, and `equal`), and the
    newest one up to that id, which may be one step behind inside a single match (`asked`, `found`).
    """
    quotes: dict[int, Quote] = {}
    bests: dict[int, Quote] = {}
    counts: Counter[str] = Counter()
    book = Book(reach)
    for event in events:
        if isinstance(event, QuoteEvent):
            assert event.order is not None
            quote = (event.bid, event.bid_quantity, event.ask, event.ask_quantity)
            quotes[event.order] = quote
            continue
        counts[book.update(event)] += 1
        if book.best is not None and book.last is not None:
            bests[book.last] = tuple(book.best)
    shared = quotes.keys() & bests.keys()
    counts["shared"] = len(shared)
    counts["equal"] = sum(quotes[number] == bests[number] for number in shared)
    orders = list(quotes)
    for number, best in bests.items():
        at = bisect_right(orders, number)
        if 0 < at < len(orders):
            counts["asked"] += 1
            counts["found"] += quotes[orders[at - 1]] == best
    return counts, book


@pytest.mark.parametrize(
    ("files", "venue", "symbol", "shared", "asked", "found"),
    [
        (SPOT_FILES, SPOT, "BTC/USDT", 1_072, 6_492, 6_490),
        (USDM_FILES, USDM, "BTC/USDT:USDT", 629, 6_544, 6_544),
    ],
    ids=["spot", "perpetual"],
)
def test_book_of_recorded_changes_has_the_recorded_quotes_at_every_update_they_share(
    market_data: Path,
    files: tuple[str, ...],
    venue: Venue,
    symbol: str,
    shared: int,
    asked: int,
    found: int,
) -> None:
    counts, book = agreement(said(market_data, files, venue, symbol), "all")
    assert counts["equal"] == counts["shared"] == shared
    assert (counts["asked"], counts["found"]) == (asked, found)
    assert (book.state, counts["broken"]) == ("whole", 0)
    assert counts["empty"] < 10  # what came before the snapshot


def test_book_that_knows_a_snapshots_levels_says_so_once_the_price_has_left_them(
    market_data: Path,
) -> None:
    counts, book = agreement(said(market_data, SPOT_FILES, SPOT, "BTC/USDT"), "snapshot")
    assert counts["equal"] == counts["shared"] > 400
    assert (book.state, book.reason) == ("broken", "the best levels lie beyond what is known")
    assert book.best is None
    assert book.levels(10) == ((), ())


def test_every_checksum_that_kraken_sent_is_that_of_the_book(market_data: Path) -> None:
    books: dict[str, Book] = {}
    checked = 0
    with gzip.open(market_data / "wire/recordings/kraken.ws.50.0.gz", "rt") as lines:
        for line in lines:
            frame = line.partition(": ")[2]
            if not frame.startswith("["):
                continue
            _, *parts, channel, pair = json.loads(frame)
            assert channel == "book-1000"
            fields: dict[str, Any] = {key: value for part in parts for key, value in part.items()}
            if "as" in fields:
                decimals = [len(text.partition(".")[2]) for text in fields["as"][0][:2]]
                rule = partial(
                    kraken_checksum, price_decimals=decimals[0], quantity_decimals=decimals[1]
                )
                books[pair] = Book("window", most=1_000, checksum=rule)
            books[pair].update(kraken_event(pair, fields))
            assert books[pair].state == "whole", books[pair].reason
            checked += "c" in fields
    assert checked == 4_269
    assert len(books) == 10


def kraken_event(pair: str, fields: dict[str, Any]) -> BookEvent:
    """What a frame of the first version of the protocol says."""

    def levels(name: str) -> Levels:
        return tuple(
            (float(price), float(quantity)) for price, quantity, *_ in fields.get(name, [])
        )

    is_snapshot = "as" in fields
    return BookEvent(
        f"kraken:{pair}",
        levels("bs" if is_snapshot else "b"),
        levels("as" if is_snapshot else "a"),
        is_snapshot=is_snapshot,
        checksum=int(fields["c"]) if "c" in fields else None,
    )


@pytest.mark.parametrize(
    ("venue", "symbol", "checked"), [(OKX, "BTC/USDT", 98), (OKX_SWAP, "UNI/USD:USD", 93)]
)
def test_every_checksum_that_okx_sent_is_that_of_the_book(
    market_data: Path, venue: Venue, symbol: str, checked: int
) -> None:
    stream = venue.stream([symbol], venue.name, levels=venue.book_levels)
    book = Book("window", most=venue.book_levels, checksum=okx_checksum)
    sums = 0
    for frame in frames_of(market_data, "okx.ws.1.0.gz"):
        for event in said_in(stream.parse(frame)):
            if isinstance(event, BookEvent):
                assert book.update(event) == "whole", book.reason
                sums += event.checksum is not None
    assert sums == checked


def test_coinbases_books_are_whole_and_those_of_its_tickers(market_data: Path) -> None:
    frames = [frame for frame in frames_of(market_data, "coinbase.ws.28.0.gz") if frame]
    products = {json.loads(frame).get("product_id", "BTC-USD") for frame in frames}
    symbols = {product: product.replace("-", "/") for product in sorted(products)}
    stream = COINBASE.stream(list(symbols.values()), "coinbase", levels=COINBASE.book_levels)
    books = {market: Book("all") for market in stream.markets}
    changes = equal = tickers = 0
    for frame in frames:
        fields = json.loads(frame)
        if fields["type"] == "ticker":
            best = books[f"coinbase:{symbols[fields['product_id']]}"].best
            wanted = (float(fields["best_bid"]), float(fields["best_ask"]))
            equal += best is not None and (best.bid, best.ask) == wanted
            tickers += 1
        for event in said_in(stream.parse(frame)):
            if isinstance(event, BookEvent):
                assert books[event.market].update(event) == "whole", books[event.market].reason
                changes += 1
    assert changes == 9_729
    assert (tickers, equal) == (107, 100)  # others come ahead of their book, or behind it


def frames_of(folder: Path, name: str) -> Iterator[bytes]:
    """The frames of a session, without those that were sent."""
    with gzip.open(folder / "wire/recordings" / name) as lines:
        for line in lines:
            if line[:1].isdigit():
                yield line.partition(b": ")[2]


def said_in(event: Event) -> tuple[Event, ...]:
    """The events of a frame."""
    return event.events if isinstance(event, Several) else (event,)
