"""The candles service: `python -m candles` folds trades from Kafka into candles."""

from __future__ import annotations

from marketstream import interrupts

if __name__ == "__main__":
    interrupts.leave_at_once()  # while the rest is imported
    from candles.build import build
    from candles.settings import CandlesSettings
    from marketstream.service import main

    main("candles", __file__, 9102, CandlesSettings, build)
