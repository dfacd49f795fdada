from __future__ import annotations

from pathlib import Path

import pytest

from marketstream.errors import InputError
from marketstream.runners.in_process import InProcessRunner
from realtime_training.recorded_feed import feed_recording
from trades.settings import TradesSettings


def test_a_recording_in_contracts_is_refused_since_nobody_knows_their_worth(
    tmp_path: Path,
) -> None:
    settings = TradesSettings(exchange="okx-swap")
    with pytest.raises(InputError, match="okx-swap counts in contracts"):
        feed_recording(
            [tmp_path / "any.frames"], "okx-swap:BTC/USDT:USDT", "1s", settings, InProcessRunner([])
        )
