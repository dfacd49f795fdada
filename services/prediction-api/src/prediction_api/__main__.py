"""The prediction-api service: `python -m prediction_api` serves what the topics bring."""

from __future__ import annotations

from marketstream import interrupts

if __name__ == "__main__":
    interrupts.leave_at_once()  # while the rest is imported
    from marketstream.service import main
    from prediction_api.build import build
    from prediction_api.settings import ApiSettings

    main("prediction-api", __file__, None, ApiSettings, build)
