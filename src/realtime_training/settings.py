"""The settings of all services together, each from its own `config.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from candles.settings import CandlesSettings
from marketstream.settings import SystemSettings, load_settings
from prediction_api.settings import ApiSettings
from predictor.settings import PredictorSettings
from storekeeper.settings import StorekeeperSettings
from technical_indicators.feature_set import FeatureSettings
from trades.settings import TradesSettings

_SERVICES = Path(__file__).resolve().parents[2] / "services"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every service's settings, checked."""

    trades: TradesSettings
    candles: CandlesSettings
    features: FeatureSettings
    predictor: PredictorSettings
    storekeeper: StorekeeperSettings
    api: ApiSettings
    system: SystemSettings


def load_all() -> Settings:
    """Read every service's settings: environment over `config.yaml` over defaults."""
    return Settings(
        trades=load_settings(TradesSettings, _config("trades")),
        candles=load_settings(CandlesSettings, _config("candles")),
        features=load_settings(FeatureSettings, _config("technical_indicators")),
        predictor=load_settings(PredictorSettings, _config("predictor")),
        storekeeper=load_settings(StorekeeperSettings, _config("storekeeper")),
        api=load_settings(ApiSettings, _config("prediction-api")),
        system=load_settings(SystemSettings, None),
    )


def _config(service: str) -> Path | None:
    """Return a service's file where the workspace is at hand; an installed package has defaults."""
    path = _SERVICES / service / "config.yaml"
    return path if path.exists() else None
