from __future__ import annotations

from pathlib import Path

import pytest

from exchanges.okx_swap.samples import SAMPLES
from marketstream.errors import InputError
from marketstream.messages import Trades
from marketstream.recordings import Header, header_line
from marketstream.runners.in_process import InProcessRunner
from marketstream.topics import TRADES
from realtime_training.recorded_feed import feed_recording, feed_together
from trades.settings import TradesSettings

MARKET = "okx-swap:BTC/USDT:USDT"
SETTINGS = TradesSettings(exchange="okx-swap")


def recording(path: Path, *sizes: str) -> Path:
    """A file of one trade whose first line says what a contract is worth, if anything."""
    symbols = ("BTC/USDT:USDT",)
    header = Header("okx-swap", "okx-swap", symbols, 1, dict(zip(symbols, sizes, strict=False)))
    first = header_line(header) if sizes else b""
    path.write_bytes(first + b"1749044565321000000 " + SAMPLES.trade + b"\n")
    return path


def test_quantities_of_a_recording_in_contracts_are_in_base_units(tmp_path: Path) -> None:
    files = [recording(tmp_path / "one.frames", "1/100")]
    quantities: list[float] = []

    def take(message: Trades, _received_ns: int) -> None:
        quantities.extend(trade.quantity for trade in message.trades)

    alone, together = InProcessRunner([]), InProcessRunner([])
    for runner in (alone, together):
        runner.tap(TRADES, take)
    feed_recording(files, MARKET, "1s", SETTINGS, alone)
    feed_together({MARKET: files}, "1s", SETTINGS, together)
    assert quantities == [0.573, 0.573]


def test_a_recording_in_contracts_is_refused_where_nobody_knows_their_worth(
    tmp_path: Path,
) -> None:
    bare = recording(tmp_path / "bare.frames")
    one, other = (recording(tmp_path / f"{n}.frames", f"1/{n}") for n in (100, 1_000))
    for files in ([bare], [one, bare], [one, other]):
        with pytest.raises(InputError, match="okx-swap counts in contracts, and these files do"):
            feed_recording(files, MARKET, "1s", SETTINGS, InProcessRunner([]))
