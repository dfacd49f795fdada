"""What a venue that has books has to keep to; the rest of the contract is in `checks`."""

from __future__ import annotations

from msgspec.structs import replace

from exchanges.events import Ignored
from exchanges.expectations import expect
from exchanges.samples import Samples
from exchanges.venue import Venue
from marketstream.symbols import market_of


def check_books(venue: Venue, samples: Samples) -> None:
    """Check that books mean what they are said to mean where they are followed, and only there."""
    expect(bool(samples.books) == (venue.book_levels > 0), "samples of books where there are any")
    market = market_of("simulator", samples.symbol)
    following = venue.stream([samples.symbol], "simulator", levels=venue.book_levels)
    for frame, means in samples.books:
        said = following.parse(frame)
        expect(said == replace(means, market=market), f"the book is {said}")
        said = venue.stream([samples.symbol], "simulator").parse(frame)
        expect(isinstance(said, Ignored), f"nobody asked for {said}")
    expect((venue.book is None) == (samples.book_means is None), "a sample of what is asked for")
    if venue.book is not None and samples.book_means is not None:
        said = venue.book.parse_book(market, 200, samples.book)
        expect(said == replace(samples.book_means, market=market), f"the book is {said}")
        expect(said.is_snapshot, "an answer is a whole book")
