"""The predictor service: `python -m predictor` predicts at each close and learns from what came."""

from __future__ import annotations

from marketstream.service import main
from predictor.build import build
from predictor.settings import PredictorSettings

if __name__ == "__main__":
    main("predictor", __file__, 9104, PredictorSettings, build)
