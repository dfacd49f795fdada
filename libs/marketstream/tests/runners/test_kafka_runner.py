"""Stages on a real broker, worked on by processes that are stopped, killed and joined by others."""

from __future__ import annotations

import random
import time
from pathlib import Path

import msgspec
import pytest

from libs.marketstream.tests.runners.workers import (
    MARKETS,
    Bench,
    by_market,
    in_one_process,
    recording,
    running,
    without_repeats,
)
from marketstream.errors import InputError
from marketstream.messages import Candle, DeadLetter, Features, Trade
from marketstream.runners.kafka.connection import connect
from marketstream.runners.kafka.dead_letters import KeptLetter, read_dead_letters, send_again
from marketstream.runners.kafka.settings import KafkaSettings

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka: str) -> KafkaSettings:
    return KafkaSettings(
        broker=kafka, partitions=2, session_timeout_ms=1_500, commit_interval_s=0.2
    )


@pytest.mark.parametrize("guarantee", ["at-least-once", "exactly-once"])
def test_a_recording_comes_out_as_in_one_process(
    guarantee: str, settings: KafkaSettings, tmp_path: Path
) -> None:
    asked = settings.model_copy(update={"processing_guarantee": guarantee})
    messages = recording(1, 300)
    with running(Bench(guarantee, asked, tmp_path)) as bench:
        bench.start("tally")
        bench.start("echo")
        bench.publish(messages)
        bench.wait_for(lambda: len(bench.of(Features)) >= len(messages))
        assert [worker.stop() for worker in bench.workers] == [0, 0]
        assert by_market(bench.of(Candle)) == in_one_process(
            bench.chain, messages, bench.chain.candles
        )
        assert by_market(bench.of(Features)) == in_one_process(
            bench.chain, messages, bench.chain.features
        )
        assert sorted(ns for m, ns in bench.heard if type(m) is Features) == list(range(1, 301))


def test_a_worker_killed_anywhere_goes_on_where_it_was(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    messages = recording(2, 3_000)
    padding = 600_000  # bytes of state: more than goes into one piece
    chance = random.Random(2)
    named = settings.model_copy(update={"session_timeout_ms": 120_000, "worker": "the same"})
    with running(Bench("killed", named, tmp_path, padding)) as bench:
        bench.publish(messages)
        for _ in range(2):
            bench.start("tally")
            until = len(bench.of(Candle)) + chance.randrange(400, 1_200)
            bench.wait_for(lambda until=until: len(bench.of(Candle)) >= until)
            bench.workers[-1].kill()
        assert bench.distinct() < len(messages)
        bench.start("tally", "a folder without state")
        bench.wait_for(lambda: bench.distinct() == len(messages))
        expected = in_one_process(bench.chain, messages, bench.chain.candles)
        assert by_market(without_repeats(bench.of(Candle))) == expected
        assert len(bench.of(Candle)) > len(messages)


def test_after_sigterm_nothing_is_read_twice(settings: KafkaSettings, tmp_path: Path) -> None:
    messages = recording(3, 400)
    with running(Bench("sigterm", settings, tmp_path)) as bench:
        for start, end in ((0, 250), (250, 400)):
            bench.start("tally")
            bench.publish(messages[start:end])
            bench.wait_for(lambda end=end: len(bench.of(Candle)) >= end)
            assert bench.workers[-1].stop() == 0
        expected = in_one_process(bench.chain, messages, bench.chain.candles)
        assert by_market(bench.of(Candle)) == expected
        log = bench.workers[-1].log.read_text()
    assert "commit\n" in log
    assert 'realtime_hop_seconds_count{stage="tally-sigterm"} 150.0' in log
    assert f'realtime_state_bytes{{market="{MARKETS[0]}",stage="tally-sigterm"}} ' in log


def test_markets_move_to_a_second_worker_and_back(settings: KafkaSettings, tmp_path: Path) -> None:
    messages = recording(4, 900)
    with running(Bench("two", settings, tmp_path)) as bench:
        first = bench.start("tally")
        bench.publish(messages[:300])
        bench.wait_for(lambda: len(bench.of(Candle)) >= 300)
        second = bench.start("tally")
        position = 300
        while not second.seen():  # a message at a time, until the second has been given markets
            bench.publish(messages[position : position + 1])
            position += 1
            bench.wait_for(lambda n=position: bench.distinct() >= n)
        bench.publish(messages[position:700])
        bench.wait_for(lambda: bench.distinct() >= 700)
        assert set(second.seen()) < set(MARKETS)
        assert second.stop() == 0
        bench.workers.remove(second)
        bench.publish(messages[700:])
        bench.wait_for(lambda: bench.distinct() == 900)
        assert set(first.seen()) == set(MARKETS)
        assert by_market(without_repeats(bench.of(Candle))) == in_one_process(
            bench.chain, messages, bench.chain.candles
        )


def test_what_makes_no_sense_is_put_aside_and_the_stream_goes_on(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    good = recording(5, 4)
    market = good[0].market.encode()
    refused, failing = (
        msgspec.json.encode(
            msgspec.structs.replace(
                good[0], trades=(Trade(9, price, 1.0, "buy", good[0].seen_until_us),)
            )
        )
        for price in (13.0, 17.0)
    )
    poison: list[tuple[bytes | None, bytes | None, str]] = [
        (market, b"{not json", "it is no Trades: JSON is malformed"),
        (market, b'{"market":"binance:BTC/USDT"}', "it is no Trades: Object missing required"),
        (market, None, "it has no value"),
        (None, msgspec.json.encode(good[0]), "its key is None, and its market"),
        (b"\xff\xfe", msgspec.json.encode(good[0]), "its key is b'\\xff\\xfe', and its market"),
        (market, refused, "a price is 13"),
        (market, failing, "it makes OverflowError: a price is 17"),
    ]
    with running(Bench("poison", settings, tmp_path)) as bench:
        producer = connect(settings, "poisoner").get_producer()
        bench.publish(good[:2])
        for key, value, _ in poison:
            producer.produce(bench.chain.trades.name, value, key)
        producer.flush()
        bench.publish(good[2:])
        bench.start("tally")
        bench.wait_for(lambda: len(bench.of(Candle)) == 4 and len(bench.dead()) == len(poison))
        assert by_market(bench.of(Candle)) == in_one_process(bench.chain, good, bench.chain.candles)
        for _, value, reason in poison:
            (letter,) = [letter for letter in bench.dead() if letter.reason.startswith(reason)]
            assert letter.raw == (value or b"")
            assert abs(letter.received_us / 1e6 - time.time()) < 60
        kept = [
            one for one in read_dead_letters(settings) if one.letter.source in sources(bench.dead())
        ]
        assert sources([one.letter for one in kept]) == sources(bench.dead())
        assert send_again(settings, [one for one in kept if one.letter.raw == refused]) == 1
        bench.wait_for(lambda: [letter.raw for letter in bench.dead()].count(refused) == 2)


def sources(letters: list[DeadLetter]) -> set[str]:
    return {letter.source for letter in letters}


def test_a_frame_of_an_exchange_cannot_be_sent_to_a_topic_again(settings: KafkaSettings) -> None:
    letter = KeptLetter("0-7", None, DeadLetter("binance", b"{", "no JSON", 0))
    with pytest.raises(InputError, match="0-7 came from binance, which is no topic"):
        send_again(settings, [letter])
