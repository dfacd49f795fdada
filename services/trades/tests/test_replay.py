from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from exchanges.catalogue import venue_named
from exchanges.events import TradeEvent
from marketstream.errors import InputError
from marketstream.messages import DeadLetter, Gap, Quote, Stall, Trade, Trades
from marketstream.recordings import RecordedFrame, read_frames
from trades.clock_offset import ClockOffset
from trades.intake import Counts
from trades.replay import Recording, replay_frames, replay_together
from trades.session.market import MarketSession

MARKET = "binance:BTC/USDT"


def play(
    frames: list[RecordedFrame], frames_per_read: int = 64
) -> tuple[Counts, list[Trades], list[DeadLetter]]:
    messages: list[Trades] = []
    dead_letters: list[DeadLetter] = []

    def heard(message: Trades | Gap | Stall, received_us: int) -> None:
        del received_us
        if isinstance(message, Trades):
            messages.append(message)

    counts = replay_frames(
        frames,
        venue_named("binance").stream(["BTC/USDT"], "binance"),
        {MARKET: MarketSession(MARKET, heard)},
        dead_letters.append,
        frames_per_read=frames_per_read,
    )
    return counts, messages, dead_letters


def trade_frame(number: int, time_ms: int) -> bytes:
    fields = {"e": "trade", "s": "BTCUSDT", "t": number, "p": "100", "q": "1", "T": time_ms}
    return json.dumps(fields | {"m": False}, separators=(",", ":")).encode()


QUOTE_FRAME = b'{"u":1,"s":"BTCUSDT","b":"99","B":"1","a":"101","A":"1"}'
START_MS = 1_723_161_250_000


def test_frame_without_a_receive_time_counts_as_received_at_its_own_time() -> None:
    frames = [
        RecordedFrame(None, trade_frame(1, START_MS)),
        RecordedFrame(None, trade_frame(2, START_MS + 40)),
        RecordedFrame(None, QUOTE_FRAME),
    ]
    counts, messages, _ = play(frames)
    assert (counts.trades, counts.quotes) == (2, 1)
    assert messages[-1].quote == Quote(99, 1, 101, 1, (START_MS + 40) * 1_000, estimated=True)
    assert messages[-1].seen_until_us == (START_MS + 40) * 1_000


def test_bad_frame_in_a_recording_becomes_a_dead_letter_and_the_rest_goes_on() -> None:
    at_ns = (START_MS - 1_000) * 1_000_000
    frames = [
        RecordedFrame(at_ns, trade_frame(1, START_MS)),
        RecordedFrame(at_ns + 2_000_000, b'{"e":"trade","s":"BTCUSDT","t":2'),
        RecordedFrame(at_ns + 3_000_000, trade_frame(2, START_MS + 3).replace(b'"100"', b'"-100"')),
        RecordedFrame(at_ns + 4_000_000, b'{"code":2,"msg":"Invalid request"}'),
        RecordedFrame(at_ns + 5_000_000, trade_frame(3, START_MS + 5)),
    ]
    counts, messages, dead_letters = play(frames)
    assert [each.id for message in messages for each in message.trades] == [1, 3]
    assert counts == Counts(frames=5, trades=2, ignored=1, dead_letters=2, gaps=1, missing=1)
    assert dead_letters[0].raw == frames[1].frame
    assert dead_letters[0].received_us == at_ns // 1_000 + 2_000
    assert "p='-100'" in dead_letters[1].reason


def play_together(*recordings: list[RecordedFrame]) -> tuple[list[str], list[Counts]]:
    """Replay recordings of spot and perpetuals; return the markets as their messages came."""
    heard: list[str] = []
    sources = []
    for frames, (name, symbol) in zip(recordings, VENUES, strict=True):
        market = f"{name}:{symbol}"
        session = MarketSession(market, lambda message, _: heard.append(message.market))
        sources.append(
            Recording(frames, venue_named(name).stream([symbol], name), {market: session})
        )
    counts = replay_together(sources, lambda letter: pytest.fail(letter.reason), frames_per_read=1)
    return heard, counts


VENUES = (("binance", "BTC/USDT"), ("binance-usdm", "BTC/USDT:USDT"))


def test_recordings_are_put_together_in_the_order_of_their_receipt() -> None:
    at_ns = (START_MS - 1_000) * 1_000_000
    spot = [RecordedFrame(at_ns + n * 1_000_000, trade_frame(n, START_MS + n)) for n in (1, 4)]
    usdm = [RecordedFrame(at_ns + n * 1_000_000, trade_frame(n, START_MS + n)) for n in (2, 3)]
    heard, counts = play_together(spot, usdm)
    one, two = (f"{name}:{symbol}" for name, symbol in VENUES)
    assert heard[:4] == [one, two, two, one]
    assert [each.trades for each in counts] == [2, 2]


def test_recordings_without_receive_times_cannot_be_put_together() -> None:
    with pytest.raises(InputError, match="no receive time"):
        play_together([RecordedFrame(None, trade_frame(1, START_MS))], [])


def test_replay_of_nothing_counts_nothing() -> None:
    assert play([]) == (Counts(), [], [])


@pytest.fixture(scope="module")
def recording(market_data: Path) -> list[RecordedFrame]:
    names = ["binance-spot-BTCUSDT-20240808.frames.gz", "binance-spot-BTCUSDT-20240809.frames.gz"]
    return list(read_frames([market_data / "trades" / name for name in names]))


@pytest.mark.data
def test_recording_loses_nothing_and_no_trade_comes_late(recording: list[RecordedFrame]) -> None:
    counts, messages, dead_letters = play(recording)
    assert dead_letters == []
    assert counts == Counts(frames=99_574, trades=19_904, quotes=73_174, ignored=6_496)
    ids = [each.id for message in messages for each in message.trades]
    assert ids == list(range(3_735_683_259, 3_735_683_259 + 19_904))
    seen_until_us = 0
    for message in messages:
        assert all(each.time_us >= seen_until_us for each in message.trades)
        assert message.seen_until_us >= seen_until_us
        seen_until_us = message.seen_until_us


@pytest.mark.data
def test_recording_says_the_same_in_batches_of_any_size(recording: list[RecordedFrame]) -> None:
    def folded(frames_per_read: int) -> tuple[list[Trade], dict[int, Quote], list[tuple[int, int]]]:
        trades: list[Trade] = []
        newest: dict[int, Quote] = {}
        passed: list[tuple[int, int]] = []
        bucket = 0
        for message in play(recording[:30_000], frames_per_read)[1]:
            trades += message.trades
            if message.quote is not None:
                newest[message.quote.time_us // 250_000] = message.quote
            if message.seen_until_us // 250_000 > bucket:
                bucket = message.seen_until_us // 250_000
                passed.append((bucket, len(trades)))
        return trades, newest, passed

    expected = folded(64)
    assert all(folded(size) == expected for size in (1, 7, 1_000_000))


@pytest.mark.data
def test_offset_of_the_recording_is_that_of_its_fastest_trade(
    recording: list[RecordedFrame],
) -> None:
    binance = venue_named("binance").stream(["BTC/USDT"], "binance")
    clock = ClockOffset()
    estimates = [
        clock.update(event.time_us, received_ns // 1_000)
        for received_ns, frame in recording
        if received_ns is not None and isinstance(event := binance.parse(frame), TradeEvent)
    ]
    assert max(estimates) == 1_276_075
    assert estimates[-1] == pytest.approx(1_276_075, abs=5_000)


@pytest.mark.data
def test_futures_recording_carries_times_in_its_quotes(market_data: Path) -> None:
    path = market_data / "trades" / "binance-usdm-BTCUSDT-20240808.frames.gz"
    counts, messages, dead_letters = play(list(read_frames([path])))
    assert dead_letters == []
    assert counts.frames == 93_954
    assert 0 < counts.trades <= 21_313
    quotes = [message.quote for message in messages if message.quote is not None]
    assert not any(quote.estimated for quote in quotes)


@pytest.mark.data
def test_older_trade_frames_with_order_ids_are_read(market_data: Path) -> None:
    with gzip.open(market_data / "wire/recordings/binance-trade-frames-20220522.txt.gz") as lines:
        frames = [line.rpartition(b" | ")[2].strip() for line in lines]
    counts, _, dead_letters = play([RecordedFrame(None, frame) for frame in frames if frame])
    assert counts.trades > 0
    assert dead_letters == []


@pytest.mark.data
def test_documentation_samples_are_ignored_or_refused_with_a_reason(market_data: Path) -> None:
    samples = {
        path.stem: RecordedFrame(None, path.read_bytes())
        for path in sorted((market_data / "wire/frames/binance").glob("*_stream*.json"))
    }
    counts, _, dead_letters = play(list(samples.values()))
    assert counts.ignored == 3
    assert [letter.raw for letter in dead_letters] == [samples["trade_stream"].frame]
    assert "T=123456785" in dead_letters[0].reason
