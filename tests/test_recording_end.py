"""The end of a recording is an end, not an outage."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from marketstream.testing import running_command

_START_MS = 1_723_161_255_000
_SECONDS = 20
_TRADES_A_SECOND = 10


def frame(stream: str, **data: Any) -> str:
    return json.dumps({"stream": f"btcusdt@{stream}", "data": data}, separators=(",", ":"))


def recorded(folder: Path) -> Path:
    """Write some seconds of a market: a quote and then a trade each 100 ms."""
    path = folder / "short.frames.gz"
    with gzip.open(path, "wt") as file:
        for number in range(_SECONDS * _TRADES_A_SECOND):
            time_ms = _START_MS + number * 1_000 // _TRADES_A_SECOND
            price = f"{100 + number % 7}.00"
            quote = frame("bookTicker", u=number, s="BTCUSDT", b=price, B="1", a=price[:-1] + "1",
                          A="1")  # fmt: skip
            trade = frame("trade", e="trade", E=time_ms, s="BTCUSDT", t=number, p=price, q="0.02",
                          T=time_ms, m=True, M=True)  # fmt: skip
            file.write(f"{time_ms}000000 {quote}\n{time_ms}000000 {trade}\n")
    return path


def test_a_recording_ends_without_a_warning_and_its_markets_have_ended(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    with running_command(tmp_path, "--recording", str(path), "--speed", "max") as live:
        live.wait_for("the end", lambda: live.get("/health")[1]["status"] == "ended")
        assert live.get("/health")[0] == 200
        market = live.get("/health")[1]["markets"]["recording:BTC/USDT"]
        assert market["status"] == "ended"
        assert market["missing_trades"] == 0
        received = 'realtime_trades_total{market="recording:BTC/USDT"}'
        assert live.metric(received) == _SECONDS * _TRADES_A_SECOND
        assert live.metric('realtime_reconnects_total{exchange="recording"}') == 0
        code, _ = live.stop()
        assert code == 0
        lines = [json.loads(line) for line in live.log.read_text().splitlines()]
    about_the_dashboard = {"No dashboard for now: everything else works without"}
    assert [
        line
        for line in lines
        if line["level"] not in {"INFO", "DEBUG"} and line["message"] not in about_the_dashboard
    ] == []
