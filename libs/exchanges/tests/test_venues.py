"""Every venue of the catalogue keeps to one contract."""

from __future__ import annotations

import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import catalogue
from exchanges._template import VENUE as TEMPLATE
from exchanges._template.samples import SAMPLES as TEMPLATE_SAMPLES
from exchanges.checks import CHECKS, Check, check_frame, samples_of
from exchanges.expectations import like
from exchanges.samples import Samples
from exchanges.venue import Venue
from marketstream.errors import SettingsError

VENUES = [
    *((venue, samples_of(venue)) for venue in catalogue.venues().values()),
    (TEMPLATE, TEMPLATE_SAMPLES),
]
NAMES = [venue.name for venue, _ in VENUES]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("venue", "samples"), VENUES, ids=NAMES)
def test_every_venue_keeps_to_the_contract(venue: Venue, samples: Samples, check: Check) -> None:
    check(venue, samples)


def frames_of(samples: Samples) -> list[bytes]:
    return [samples.trade, samples.quote, *samples.beside, *(frame for frame, _ in samples.books)]


@cache
def fragments(samples: Samples) -> list[bytes]:
    """What frames of a venue are made of: keys, values, and odd ones in their place."""
    texts = b" ".join(frames_of(samples))
    words = texts.replace(b",", b" ").replace(b":", b" ").split()
    odd = [b"-1", b"0", b'"nan"', b'"1e400"', b"null", b"[]", b"{}", b"true", b'""', b"1e999"]
    return sorted(set(words)) + odd


@st.composite
def spoilt(draw: st.DrawFn, samples: Samples) -> bytes:
    """A frame with some of it replaced, left out or cut."""
    frame = draw(st.sampled_from(frames_of(samples)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(frame)))
        end = draw(st.integers(start, min(len(frame), start + 12)))
        new = draw(st.sampled_from(fragments(samples)) | st.binary(max_size=3))
        frame = frame[:start] + new + frame[end:]
    return frame


@st.composite
def revalued(draw: st.DrawFn, samples: Samples) -> bytes:
    """A frame in JSON in which a value is another."""
    books = [frame for frame, _ in samples.books]
    fields = json.loads(draw(st.sampled_from([samples.trade, samples.quote, *books])))
    places = [fields]
    for place in places:
        places += [value for value in place.values() if isinstance(value, dict)]
    place = draw(st.sampled_from(places))
    value = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    place[draw(st.sampled_from(sorted(place)))] = draw(value | st.just([]) | st.just({}))
    return json.dumps(fields, separators=(",", ":")).encode()


@pytest.mark.parametrize(("venue", "samples"), VENUES, ids=NAMES)
@given(st.data())
def test_garbage_is_a_bad_message_and_nothing_else(
    venue: Venue, samples: Samples, data: st.DataObject
) -> None:
    symbols = [samples.symbol, *like(samples, "ETH/USDT")]
    stream = venue.stream(symbols, venue.name, levels=venue.book_levels)
    check_frame(stream, data.draw(spoilt(samples) | revalued(samples) | st.binary(max_size=200)))


def test_venues_are_found_by_themselves_and_the_template_is_none() -> None:
    assert catalogue.venue_named("binance") is catalogue.venues()["binance"]
    assert TEMPLATE.name not in catalogue.venues()
    with pytest.raises(
        SettingsError, match=r"'mtgox' is not an exchange we know: choose .*binance"
    ):
        catalogue.venue_named("mtgox")


def test_a_venue_that_reads_too_much_into_a_frame_is_caught() -> None:
    venue, samples = VENUES[0]
    other = venue.stream(["ETH/USDT"], venue.name)
    with pytest.raises(AssertionError, match="nobody asked for binance:BTC/USDT"):
        check_frame(_Credulous(venue, samples, other.markets), samples.trade)


class _Credulous:
    """A stream that gives trades of markets nobody asked for."""

    def __init__(self, venue: Venue, samples: Samples, markets: tuple[str, ...]) -> None:
        self.name = venue.name
        self.markets = markets
        self.request_interval_s = 0.0
        self._stream = venue.stream([samples.symbol], venue.name)
        self.stream_url = self._stream.stream_url
        self.subscribe_frames = self._stream.subscribe_frames
        self.parse = self._stream.parse
