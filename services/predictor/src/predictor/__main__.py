"""The predictor service: `python -m predictor` predicts at each close and learns from what came."""

from __future__ import annotations

from marketstream import interrupts

if __name__ == "__main__":
    interrupts.leave_at_once()  # while the rest is imported
    from marketstream.service import main
    from predictor.build import build
    from predictor.settings import PredictorSettings

    main("predictor", __file__, 9104, PredictorSettings, build)
