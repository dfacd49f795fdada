from __future__ import annotations

from pathlib import Path

import pytest

from marketstream.errors import InputError
from marketstream.runners.in_process import InProcessRunner
from realtime_training.recorded_feed import feed_recording, feed_together
from trades.settings import TradesSettings

MARKET = "okx-swap:BTC/USDT:USDT"


def test_a_recording_in_contracts_is_refused_since_nobody_knows_their_worth(
    tmp_path: Path,
) -> None:
    settings, runner = TradesSettings(exchange="okx-swap"), InProcessRunner([])
    files = [tmp_path / "any.frames"]
    with pytest.raises(InputError, match="okx-swap counts in contracts"):
        feed_recording(files, MARKET, "1s", settings, runner)
    with pytest.raises(InputError, match="okx-swap counts in contracts"):
        feed_together({MARKET: files}, "1s", settings, runner)
