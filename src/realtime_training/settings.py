"""The settings of all services together, each from its own `config.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from candles.settings import CandlesSettings
from marketstream.errors import SettingsError
from marketstream.plan import PlanSettings
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.service import ProcessSettings
from marketstream.settings import SystemSettings, load_settings, misspelt
from marketstream.settings_fields import env_names, fields_of
from marketstream.store.risingwave import RisingWaveSettings
from marketstream.timeframes import finest_first, timeframe_ms
from prediction_api.settings import ApiSettings
from predictor.settings import PredictorSettings
from storekeeper.settings import StorekeeperSettings
from technical_indicators.feature_set import FeatureSettings
from trades.settings import TradesSettings

_SERVICES = Path(__file__).resolve().parents[2] / "services"
_MODELS = (
    TradesSettings, CandlesSettings, FeatureSettings, PredictorSettings, StorekeeperSettings,
    ApiSettings, SystemSettings, PlanSettings, ProcessSettings, KafkaSettings, RisingWaveSettings,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Every service's settings, checked."""

    plan: PlanSettings
    trades: TradesSettings
    candles: CandlesSettings
    features: FeatureSettings
    predictor: PredictorSettings
    storekeeper: StorekeeperSettings
    api: ApiSettings
    system: SystemSettings

    @property
    def timeframes(self) -> tuple[str, ...]:
        """The candles that are made: those in the settings, and those that features look at.

        SettingsError names one that would become the finest, on which outcomes are measured.
        """
        configured, beside = self.candles.timeframes, self.features.beside
        finest = finest_first(configured)[0]
        for timeframe in beside:
            if timeframe_ms(timeframe) < timeframe_ms(finest):
                raise SettingsError(
                    f"beside: {timeframe} is finer than the finest candles, {finest}: put it among "
                    "the timeframes in services/candles/config.yaml, or leave it out"
                )
        return tuple(dict.fromkeys([*configured, *beside]))


def load_all(env_file: Path = Path(".env")) -> Settings:
    """Read every service's settings; what looks like a misspelt variable in `.env` is logged."""
    for key, variable in misspelt(env_file, variables()).items():
        logger.warning("No such setting", key=key, file=str(env_file), meant=variable)
    return Settings(
        plan=load_settings(PlanSettings, None),
        trades=load_settings(TradesSettings, _config("trades")),
        candles=load_settings(CandlesSettings, _config("candles")),
        features=load_settings(FeatureSettings, _config("technical_indicators")),
        predictor=load_settings(PredictorSettings, _config("predictor")),
        storekeeper=load_settings(StorekeeperSettings, _config("storekeeper")),
        api=load_settings(ApiSettings, _config("prediction-api")),
        system=load_settings(SystemSettings, None),
    )


def variables() -> frozenset[str]:
    """Return every environment variable that is a setting, whoever reads it."""
    return frozenset(
        name for model in _MODELS for _, field in fields_of(model) for name in env_names(field)
    ) | {"EXCHANGE_HOST", "EXCHANGE_PORT", "EXCHANGE_FAULTS"}  # options of `realtime simulate`


def _config(service: str) -> Path | None:
    """Return a service's file where the workspace is at hand; an installed package has defaults."""
    path = _SERVICES / service / "config.yaml"
    return path if path.exists() else None
