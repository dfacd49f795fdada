"""What the tests are made of: feature messages, models of known answers, and a known market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from marketstream.columns import CandleColumns, FeatureTable, Flags, Floats, PriceSeries
from marketstream.messages import Features
from predictor.models.logistic import Logistic
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.settings import ModelSettings, PredictorSettings, TrainingSettings
from predictor.training.candidates import FIVE_FEATURES, Candidate
from predictor.training.fitting import TrainedModel

NAMES = (*FIVE_FEATURES, "noise_1", "noise_2")


def _features(
    close_time_ms: int,
    mid: float | None,
    timeframe: str = "1s",
    *,
    close: float | None = None,
    complete: bool = True,
    **values: float | None,
) -> Features:
    return Features(
        market="binance:BTC/USDT",
        timeframe=timeframe,
        close_time_ms=close_time_ms,
        values=values,
        bid=None if mid is None else mid - 0.5,
        ask=None if mid is None else mid + 0.5,
        close=100.0 if mid is None else mid if close is None else close,
        feature_set="test",
        complete=complete,
    )


@pytest.fixture(scope="session")
def make_features() -> Callable[..., Features]:
    """Make a message; further keywords are its values."""
    return _features


def _model(
    horizon_ms: int = 1_000,
    *,
    version: str = "1",
    latency_ms: int = 0,
    hit_rate: float = 0.75,
    column: str = "imbalance",
    p_moves: float = 0.8,
) -> TrainedModel:
    champion = Candidate("imbalance_sign", (column,), ImbalanceSign(hit_rate))
    return TrainedModel(
        horizon_ms=horizon_ms,
        latency_ms=latency_ms,
        version=version,
        trained_at_ms=0,
        rows=100,
        champion=champion,
        references=(champion,),
        moves=Logistic((), (), (), float(np.log(p_moves / (1 - p_moves)))),
        move_columns=(),
        move_size=0.01,
        majority="up",
        low=-0.02,
        high=0.02,
        level=0.8,
        validation={},
    )


@pytest.fixture(scope="session")
def make_model() -> Callable[..., TrainedModel]:
    """Make a model that goes where `column` points, without training."""
    return _model


@dataclass(frozen=True)
class Market:
    """A decision each second, and its prices."""

    table: FeatureTable
    prices: PriceSeries

    def rows(self, chosen: slice) -> Market:
        """Return some of the decisions, with all prices."""
        return Market(self.table.rows(chosen), self.prices)


def _market(rows: int = 1_000, seed: int = 0, certainty: float = 0.8, flat: float = 0.3) -> Market:
    """Make a market whose next move follows the sign of the imbalance, and nothing else."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, len(NAMES)))
    follows = np.where(random.random(rows) < certainty, 1.0, -1.0)
    sizes = np.where(random.random(rows) < flat, 0.0, random.uniform(0.5e-4, 1.5e-4, rows))
    mid = 100 * np.exp(np.concatenate(([0.0], np.cumsum(np.sign(values[:, 0]) * follows * sizes))))
    times = 1_000 * np.arange(rows + 1, dtype=np.int64)
    table = FeatureTable(
        times[:-1], NAMES, values, mid[:-1], mid[:-1], mid[:-1], np.ones(rows, np.bool_)
    )
    return Market(table, PriceSeries(times, mid, mid, 1_000))


@pytest.fixture(scope="session")
def make_market() -> Callable[..., Market]:
    """Make a market whose next move follows the sign of the imbalance, and nothing else."""
    return _market


def _settings(
    learner: str = "logistic", columns: tuple[str, ...] = NAMES, **training: float
) -> PredictorSettings:
    return PredictorSettings(
        model=ModelSettings.model_validate({"type": learner}),
        features=list(columns),
        training=TrainingSettings.model_validate(training),
    )


@pytest.fixture(scope="session")
def make_settings() -> Callable[..., PredictorSettings]:
    """Make settings; keywords are those of training."""
    return _settings


@pytest.fixture(scope="session")
def noise() -> Floats:
    """400 rows of six columns that say nothing."""
    return np.random.default_rng(5).normal(size=(400, 6))


def _candles(close: Floats, *, complete: Flags | None = None, volume: float = 1.0) -> CandleColumns:
    """Make candles of a minute from these closes, each opening where the one before closed."""
    opened = np.append(close[:1], close[:-1])
    open_time_ms = 1_704_067_200_000 + 60_000 * np.arange(len(close), dtype=np.int64)
    unknown = np.full(len(close), np.nan)
    return CandleColumns(
        timeframe="1m",
        open_time_ms=open_time_ms,
        close_time_ms=open_time_ms + 60_000,
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume=np.full(len(close), volume),
        quote_volume=unknown,
        trade_count=unknown,
        taker_buy_volume=unknown,
        taker_buy_quote_volume=unknown,
        complete=np.ones(len(close), np.bool_) if complete is None else complete,
    )


@pytest.fixture(scope="session")
def make_candles() -> Callable[..., CandleColumns]:
    """Make candles of a minute from closes, each opening where the one before closed."""
    return _candles
