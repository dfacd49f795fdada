"""The trades service: `python -m trades` follows an exchange and publishes its trades to Kafka."""

from __future__ import annotations

from marketstream import interrupts

if __name__ == "__main__":
    interrupts.leave_at_once()  # while the rest is imported
    from marketstream.service import main
    from trades.build import build
    from trades.settings import TradesSettings

    main("trades", __file__, 9101, TradesSettings, build)
