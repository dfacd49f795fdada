"""What a venue that tells of perpetuals has to keep to; the rest of the contract is in `checks`."""

from __future__ import annotations

from msgspec.structs import replace

from exchanges.events import ContextEvent, Event, Ignored, LiquidationEvent, Several
from exchanges.expectations import expect, others
from exchanges.samples import Samples
from exchanges.venue import Request, Stream, Venue
from marketstream.errors import BadMessage
from marketstream.symbols import market_of

_FIELDS = {
    "mark": "mark", "index": "index", "funding_rate": "funding", "open_interest": "open_interest",
}  # fmt: skip


def check_context(venue: Venue, samples: Samples) -> None:
    """Check that what is told of perpetuals means what it is said to, where it is followed."""
    told = venue.context
    expect(bool(samples.context) == (told is not None), "samples of what is told of perpetuals")
    if told is None:
        return
    market = market_of("simulator", samples.symbol)
    symbols = [others(samples)[0], samples.symbol]
    following = told.stream(symbols, "simulator")
    reading = [following] if told.apart is None else [following, told.apart(symbols, "simulator")]
    parts = set()
    for frame, means in samples.context:
        meant = tuple(replace(one, market=market) for one in means)
        for stream in reading:
            said = _events(stream.parse(frame))
            expect(said == meant, f"of the perpetual {said} is said")
        _check_nobody_asked(venue.stream(symbols, "simulator"), frame)
        _check_nobody_asked(told.stream(others(samples), "simulator"), frame)
        parts |= {part for one in means for part in _parts(one)}
    expect(parts == told.parts, f"it declares {sorted(told.parts)}, and tells {sorted(parts)}")
    without = _asked(venue.stream(symbols, "simulator"))
    if told.apart is None:
        expect(_asked(following) > without, "what is told has to be asked for")
    else:
        expect(_asked(following) == without, "it is asked for elsewhere")
        expect(_asked(reading[1]) > 0, "there it is asked for")
        expect(reading[1].stream_url(venue.ws_url).startswith("wss://"), "at a URL of its own")
    if told.request is not None:
        request = told.request(samples.symbol)
        expect(isinstance(request, Request) and request.path.startswith("/"), f"{request}")
        expect(told.every_s > 0, "not without a pause")


def _asked(stream: Stream) -> int:
    return sum(map(len, stream.subscribe_frames()))


def _check_nobody_asked(stream: Stream, frame: bytes) -> None:
    try:
        said = stream.parse(frame)
    except BadMessage:
        return
    expect(isinstance(said, Ignored), f"nobody asked for {said}")


def _events(event: Event) -> tuple[object, ...]:
    return event.events if isinstance(event, Several) else (event,)


def _parts(event: ContextEvent | LiquidationEvent) -> list[str]:
    if isinstance(event, LiquidationEvent):
        return ["liquidations"]
    return [part for field, part in _FIELDS.items() if getattr(event, field) is not None]
