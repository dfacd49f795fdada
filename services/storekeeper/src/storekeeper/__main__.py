"""The storekeeper service: `python -m storekeeper` stores what the topics bring, and audits it."""

from __future__ import annotations

from marketstream import interrupts

if __name__ == "__main__":
    interrupts.leave_at_once()  # while the rest is imported
    from marketstream.service import main
    from storekeeper.build import build
    from storekeeper.settings import StorekeeperSettings

    main("storekeeper", __file__, 9105, StorekeeperSettings, build)
