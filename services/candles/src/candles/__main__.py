"""The candles service: `python -m candles` folds trades from Kafka into candles."""

from __future__ import annotations

from candles.build import build
from candles.settings import CandlesSettings
from marketstream.service import main

if __name__ == "__main__":
    main("candles", __file__, 9102, CandlesSettings, build)
