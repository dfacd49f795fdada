"""What is measured of retention is what the storekeeper does."""

from __future__ import annotations

from realtime_bench.retention import measure

HOUR_MS = 3_600_000


def test_a_day_goes_whole_and_somebody_writes_meanwhile() -> None:
    found = measure(300_000, lambda _text: None, day_ms=HOUR_MS, quiet_s=0.5)
    assert found["candles_day_rows"] == 10 * (4 + 1) * 3_600
    assert found["predictions_day_rows"] == 10 * 4 * 3_600
    assert found["candles_minute_rows"] == 10 * (4 + 1) * 60
    assert found["candles_day_seconds"] >= found["candles_day_busy_seconds"] > 0
    assert found["candles_day_writes"] > 0
    assert found["packed_candles_day_rows"] == found["candles_day_rows"]
    assert found["packed_candles_day_seconds"] > 0
    assert found["partition_drop_seconds"] > 0
