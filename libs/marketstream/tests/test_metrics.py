from __future__ import annotations

from prometheus_client import CollectorRegistry

from marketstream.metrics import CONTENT_TYPE, Metrics

FAMILIES = {
    "realtime_trades": {"market"},
    "realtime_quotes": {"market"},
    "realtime_messages": {"topic"},
    "realtime_dead_letters": {"source"},
    "realtime_ignored_frames": {"source"},
    "realtime_reconnects": {"exchange"},
    "realtime_parity_ratio": {"market"},
    "realtime_parity_compared": {"market"},
    "realtime_parity_differences": {"market"},
    "realtime_shadow_windows": {"market"},
    "realtime_shadow_vectors": {"market", "result"},
    "realtime_shadow_deviation_ratio": {"market"},
    "realtime_gaps": {"market"},
    "realtime_trades_repaired": {"market"},
    "realtime_gaps_unrepaired": {"market"},
    "realtime_stalled_seconds": {"market"},
    "realtime_books_broken": {"market"},
    "realtime_quote_lag_seconds": {"market"},
    "realtime_open_gaps": {"market"},
    "realtime_missing_trades": {"market"},
    "realtime_recent_candles": {"certificate", "timeframe", "market"},
    "realtime_candles": {"market", "timeframe"},
    "realtime_candles_incomplete": {"market", "timeframe"},
    "realtime_candle_revisions": {"market", "timeframe"},
    "realtime_candles_mended": {"market"},
    "realtime_candles_marked": {"market"},
    "realtime_late_trades": {"market"},
    "realtime_predictions": {"market", "horizon_ms", "direction"},
    "realtime_outcomes": {"market", "horizon_ms", "verdict"},
    "realtime_accuracy_ratio": {"market", "horizon_ms"},
    "realtime_accuracy_bound_ratio": {"market", "horizon_ms", "bound"},
    "realtime_baseline_accuracy_ratio": {"market", "horizon_ms", "baseline"},
    "realtime_baseline_evidence_log10": {"market", "horizon_ms", "baseline"},
    "realtime_prediction_latency_seconds": set(),
    "realtime_data_age_seconds": {"market"},
    "realtime_model_trained_timestamp_seconds": {"market", "horizon_ms"},
    "realtime_model_trainings": {"market", "result"},
    "realtime_model_training_causes": {"market", "cause"},
    "realtime_model_training_wait_seconds": {"market"},
    "realtime_arena_abstentions": {"model", "reason"},
    "realtime_models_unregistered": set(),
    "realtime_store_rows": {"table"},
    "realtime_store_rows_deleted": {"table"},
    "realtime_store_queue_rows": set(),
    "realtime_store_waits": set(),
    "realtime_alerts": {"kind", "result"},
    "realtime_http_requests": {"route", "status"},
    "realtime_http_request_seconds": {"route"},
    "realtime_hop_seconds": {"stage"},
    "realtime_consumer_lag_messages": {"topic", "partition"},
    "realtime_rebalances": {"stage"},
    "realtime_state_bytes": {"stage", "market"},
}


def test_every_metric_is_there_with_its_labels() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    labels = {
        collector._name: set(collector._labelnames)
        for collector in vars(metrics).values()
        if hasattr(collector, "_labelnames")
    }
    assert labels == FAMILIES


def test_rendered_text_holds_the_counts_and_ends_with_a_new_line() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.trades.labels("binance:BTC/USDT").inc(3)
    text = metrics.render().decode()
    assert 'realtime_trades_total{market="binance:BTC/USDT"} 3.0\n' in text
    assert text.endswith("\n")
    assert CONTENT_TYPE.startswith("text/plain")


def test_latency_buckets_go_from_a_tenth_of_a_millisecond_to_a_second() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.prediction_latency.observe(0.0002)
    text = metrics.render().decode()
    assert 'realtime_prediction_latency_seconds_bucket{le="0.0001"} 0.0\n' in text
    assert 'realtime_prediction_latency_seconds_bucket{le="0.00025"} 1.0\n' in text
    assert 'realtime_prediction_latency_seconds_bucket{le="1.0"} 1.0\n' in text


def test_two_of_them_do_not_share_anything() -> None:
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    first.store_queue_rows.set(7)
    assert b"realtime_store_queue_rows 0.0" in second.render()
