"""`realtime candles` reads recordings of every exchange, in coins and with the exchange's ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange_simulator.venues import simulated
from exchanges.catalogue import venue_named
from marketstream.errors import InputError
from marketstream.recordings import Header, header_line
from realtime_bench.ingest import Said, made_up
from realtime_training.commands.candles.work import CandlesResult, make_candles
from realtime_training.datasets.recorded_trades import read_recorded
from realtime_training.settings import load_all


def recorded(folder: Path, venue: str, said: Said, worth: float | None) -> Path:
    sizes = {} if worth is None else dict.fromkeys(said.symbols, f"{worth}")
    path = folder / f"{venue}.frames"
    frames = zip(said.received_ns, said.frames, strict=True)
    path.write_bytes(
        header_line(Header(venue, venue, said.symbols, 1, sizes))
        + b"".join(b"%d %s\n" % (received_ns, frame) for received_ns, frame in frames)
    )
    return path


def in_coins(result: CandlesResult) -> float:
    trades = result.trades
    return float(trades.quantity.sum()) / 10.0**trades.quantity_decimals


@pytest.mark.parametrize("venue", simulated())
def test_a_recording_of_any_exchange_becomes_candles(venue: str, tmp_path: Path) -> None:
    said = made_up(venue, 2.0)
    in_contracts = venue_named(venue).in_contracts
    path = recorded(tmp_path, venue, said, 0.01 if in_contracts else None)
    fills = 0
    for symbol in said.symbols:
        result = make_candles([path], "1s", symbol=symbol)
        fills += int(result.trades.count.sum())
        assert not result.trades.unusable
        assert result.candles.volume.sum() > 0
        assert result.trades.consecutive == (venue_named(venue).ids == "contiguous")
    assert fills == said.trades
    if in_contracts:
        whole, part = (
            make_candles([recorded(tmp_path, venue, said, worth)], "1s", symbol=said.symbols[0])
            for worth in (1, 0.01)
        )
        assert in_coins(part) == pytest.approx(in_coins(whole) / 100)


def test_what_does_not_say_whose_it_is_is_left_to_others_and_nothing_is_an_error(
    tmp_path: Path,
) -> None:
    bare = tmp_path / "bare.frames"
    bare.write_bytes(b'{"e":"trade"}\n')
    assert read_recorded([bare], load_all(), None) is None
    empty = tmp_path / "empty.frames"
    empty.write_bytes(header_line(Header("kraken", "kraken", ("BTC/USD",), 1)) + b'1 {"a":1}\n')
    with pytest.raises(InputError, match="no trades of BTC/USD in"):
        read_recorded([empty], load_all(), None)
