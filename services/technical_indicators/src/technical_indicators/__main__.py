"""The technical_indicators service: `python -m technical_indicators` makes features of candles."""

from __future__ import annotations

from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.service import Service, main
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.stage import technical_indicators_stage


def run(service: Service) -> None:
    """Compute features until a signal comes."""
    plan = service.plan
    feature_set = FeatureSet(plan.timeframe, plan.base, service.settings(FeatureSettings))
    runner = KafkaRunner(technical_indicators_stage(feature_set), service.kafka, service.metrics)
    service.ready()
    runner.run()


if __name__ == "__main__":
    main("technical_indicators", __file__, 9103, run)
