"""The technical_indicators service: `python -m technical_indicators` makes features of candles."""

from __future__ import annotations

from marketstream import interrupts

if __name__ == "__main__":
    interrupts.leave_at_once()  # while the rest is imported
    from marketstream.service import main
    from technical_indicators.build import build
    from technical_indicators.feature_set import FeatureSettings

    main("technical_indicators", __file__, 9103, FeatureSettings, build)
