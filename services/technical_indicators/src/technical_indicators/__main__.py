"""The technical_indicators service: `python -m technical_indicators` makes features of candles."""

from __future__ import annotations

from marketstream.service import main
from technical_indicators.build import build
from technical_indicators.feature_set import FeatureSettings

if __name__ == "__main__":
    main("technical_indicators", __file__, 9103, FeatureSettings, build)
