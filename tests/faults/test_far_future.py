"""Frames and rows dated 2090: they make neither candles without end nor an end of the stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from exchanges.checked import check_trades
from exchanges.venue import HistoricTrade, Page
from marketstream.messages import Candle, DeadLetter, Trade
from marketstream.topics import CANDLES, DEAD_LETTERS
from realtime_training.commands.replay.work import Replay
from realtime_training.settings import load_all

SYMBOL = "BTC/USDT"
START_MS = 1_778_079_000_000
IN_2090_MS = 3_786_912_000_000
TRADES, EVERY_MS = 1_200, 100


def recording(path: Path, dated: set[int]) -> Path:
    """Write a trade every 100 ms, those of `dated` as of 2090."""
    lines: list[str] = []
    for number in range(TRADES):
        at_ms = START_MS + number * EVERY_MS
        time_ms = IN_2090_MS + number if number in dated else at_ms
        data = {
            "e": "trade", "E": time_ms + 1, "s": "BTCUSDT", "t": 5_000 + number,
            "p": f"{60_000 + number % 7}.00", "q": "0.10000", "T": time_ms, "m": False, "M": True,
        }  # fmt: skip
        frame = json.dumps({"stream": "btcusdt@trade", "data": data})
        lines.append(f"{(at_ms + 4) * 1_000_000} {frame}\n")
    path.write_text("".join(lines))
    return path


@pytest.mark.timeout(60)
def test_two_frames_dated_2090_are_put_aside_and_the_stream_goes_on(tmp_path: Path) -> None:
    replay = Replay(SYMBOL, "1s", (2,), load_all())
    candles: dict[object, Candle] = {}
    letters: list[DeadLetter] = []
    replay.pipeline.runner.tap(CANDLES, lambda one, _ns: candles.update({one.identity: one}))
    replay.pipeline.runner.tap(DEAD_LETTERS, lambda one, _ns: letters.append(one))
    summary = replay.run([recording(tmp_path / "frames.txt", {600, 601})])
    assert (summary["trades"], summary["missing"], summary["dead_letters"]) == (TRADES - 2, 2, 2)
    assert all("ahead of the exchange's clock" in letter.reason for letter in letters)
    end_ms = START_MS + TRADES * EVERY_MS
    assert START_MS < max(one.close_time_ms for one in candles.values()) <= end_ms
    seconds = [one for one in candles.values() if one.timeframe == "1s"]
    lacking = {one.open_time_ms - START_MS for one in seconds if one.complete is False}
    assert lacking == {59_000, 60_000}  # they traded between the one before and the one after


def test_a_row_dated_2090_is_refused_and_the_rest_of_its_answer_counts() -> None:
    trades = [
        Trade(number, 60_000.0, 0.1, "buy", (START_MS + number) * 1_000) for number in range(20)
    ]
    trades[7] = replace(trades[7], time_us=IN_2090_MS * 1_000)
    page = Page([HistoricTrade(trade.id, trade) for trade in trades])
    checked = check_trades(page, SYMBOL, page_id=0, from_ms=START_MS, now_ms=START_MS + 60_000)
    assert [row.trade.id for row in checked.trades] == [n for n in range(20) if n != 7]
    assert len(checked.refused) == 1
