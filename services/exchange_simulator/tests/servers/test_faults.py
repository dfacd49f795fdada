"""Faults find in each venue's frames what they make wrong, and its client what is wrong with it."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from exchange_simulator.faults.frames import WRONG, channel_of, skewed, symbol_of, wrong
from exchange_simulator.faults.plan import Faults
from exchange_simulator.faults.spec import parse_spec
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.markets import markets_of
from exchange_simulator.serving.port import VenueServer
from exchange_simulator.serving.view import Channel
from exchange_simulator.venues import server_of
from exchanges.catalogue import venue_named
from exchanges.events import TradeEvent
from exchanges.venue import Stream
from marketstream.errors import BadMessage

from .world import tape_of

NOW_US = 1_700_000_000_000_000


def server_at(venue: str) -> VenueServer:
    speaks = server_of(venue)
    markets = markets_of([tape_of(venue)], NOW_US, speaks.wire_symbol)
    return speaks(Exchange(markets, lambda: NOW_US))


def frames_of(server: VenueServer, stream: Stream) -> dict[str, list[bytes]]:
    """Return what its own client would be sent in five seconds, by kind of channel."""
    path = stream.stream_url(f"ws://x{server.ws_path}").removeprefix("ws://x")
    session = server.session(make_mocked_request("GET", path))
    for request in stream.subscribe_frames():
        session.handle(request.decode())
    (market,) = server.exchange.markets.values()
    cut = MarketCut(market, NOW_US, NOW_US + 5_000_000)
    return {
        channel.kind: [row[2] for row in server.rows(channel, cut, microseconds=False)]
        for channel in session.view().channels
    }


@pytest.fixture
def server(venue: str) -> VenueServer:
    return server_at(venue)


@pytest.fixture
def stream(venue: str) -> Stream:
    return venue_named(venue).stream([tape_of(venue).symbol], "simulator")


@pytest.fixture
def another(venue: str) -> Stream:
    """A stream that has heard nothing of what the other one has."""
    return venue_named(venue).stream([tape_of(venue).symbol], "simulator")


def test_channels_and_symbols_of_frames_are_found(server: VenueServer, stream: Stream) -> None:
    frames = frames_of(server, stream)
    (wire_symbol,) = server.exchange.markets
    for kind in ("trades", "quotes"):
        assert frames[kind]
        for frame in frames[kind]:
            assert channel_of(frame, server.marks) == kind
            assert symbol_of(frame, server.marks) == wire_symbol
    for frame in frames.get("alive", []):
        assert channel_of(frame, server.marks) == "other"


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_copy_is_no_true_trade(
    venue: str, server: VenueServer, stream: Stream, another: Stream, kind: str
) -> None:
    faults = Faults(parse_spec("none"), list(server.exchange.markets), server.marks)
    frames = frames_of(server, stream)["trades"]
    for turn, frame in enumerate(frames[:20]):
        copy = wrong(kind, frame, turn, faults, microseconds=False)
        if server.marks.id is None and kind in ("id_ahead", "id_behind"):
            assert copy == frame
            continue
        assert copy != frame
        try:
            said = stream.parse(copy)
        except BadMessage:
            continue
        assert said != another.parse(frame)
        if kind in ("malformed", "truncated"):
            assert not isinstance(said, TradeEvent), venue


def test_skewed_clocks_leave_the_times_of_trades_alone(
    server: VenueServer, stream: Stream, another: Stream
) -> None:
    for frame in frames_of(server, stream)["trades"][:20]:
        skew = skewed(frame, 3_600_000, server.marks, microseconds=False)
        assert (skew != frame) == (server.marks.event_time is not None)
        assert stream.parse(skew) == another.parse(frame)


def test_a_channel_nobody_has_is_refused_in_words(venue: str, server: VenueServer) -> None:
    path = server.ws_path
    session = server.session(make_mocked_request("GET", path))
    for text in ("", "[]", "{", '{"op":"fly"}', '{"method":"fly"}', '{"type":"fly"}', "\ud83d"):
        for answer in session.handle(text):
            assert len(answer) < 1_000, venue
    assert session.view().channels == frozenset[Channel]()
