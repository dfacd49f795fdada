"""The trades service: `python -m trades` follows an exchange and publishes its trades to Kafka."""

from __future__ import annotations

from marketstream.service import main
from trades.build import build
from trades.settings import TradesSettings

if __name__ == "__main__":
    main("trades", __file__, 9101, TradesSettings, build)
