"""The Prometheus metrics of the whole pipeline, in one place."""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
_LATENCY_BUCKETS_S = (
    *(0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0),
)


class Metrics:
    """The metrics, built on a registry: one of these per process, or per test.

    In a hot path keep the child, `trades = metrics.trades.labels(market)`, rather than look it up.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

        def counter(name: str, help_text: str, *labels: str) -> Counter:
            return Counter(f"realtime_{name}", help_text, labels, registry=registry)

        def gauge(name: str, help_text: str, *labels: str) -> Gauge:
            return Gauge(f"realtime_{name}", help_text, labels, registry=registry)

        self.trades = counter("trades_total", "Trades received", "market")
        self.quotes = counter("quotes_total", "Best bids and asks received", "market")
        self.messages = counter("messages_total", "Messages that passed", "topic")
        self.dead_letters = counter("dead_letters_total", "What made no sense", "source")
        self.ignored_frames = counter(
            "ignored_frames_total", "Frames of channels nobody asked for", "source"
        )
        self.reconnects = counter("reconnects_total", "Connections made again", "exchange")
        self.gaps = counter("gaps_total", "Gaps in the trade ids", "market")
        self.trades_repaired = counter(
            "trades_repaired_total", "Trades the stream left out, fetched by REST", "market"
        )
        self.gaps_unrepaired = counter(
            "gaps_unrepaired_total", "Gaps in the trade ids that REST did not fill", "market"
        )
        self.books_broken = counter(
            "books_broken_total", "Times that a book was not to be believed", "market"
        )
        self.candles = counter("candles_total", "Candles closed", "market", "timeframe")
        self.candles_incomplete = counter(
            "candles_incomplete_total", "Candles closed with trades missing", "market", "timeframe"
        )
        self.candle_revisions = counter(
            "candle_revisions_total",
            "Closed candles that late or missing trades changed",
            *("market", "timeframe"),
        )
        self.parity = gauge(
            "parity_ratio", "Share of complete candles equal to the exchange's own", "market"
        )
        self.parity_compared = counter(
            "parity_compared_total", "Complete candles compared with the exchange's own", "market"
        )
        self.parity_differences = counter(
            "parity_differences_total", "Fields that the exchange has otherwise", "market"
        )
        self.shadow_windows = counter(
            "shadow_windows_total", "Windows of features that were computed anew", "market"
        )
        self.shadow_vectors = counter(
            "shadow_vectors_total",
            "Published vectors computed anew: equal to 1e-9, differing or undecided",
            *("market", "result"),
        )
        self.shadow_deviation = gauge(
            "shadow_deviation_ratio",
            "Largest deviation of a published feature from the one computed anew",
            "market",
        )
        self.candles_mended = counter(
            "candles_mended_total", "Stored candles revised from the exchange's trades", "market"
        )
        self.candles_marked = counter(
            "candles_marked_total", "Stored candles marked for trades nobody can have", "market"
        )
        self.late_trades = counter(
            "late_trades_total", "Trades that came after their candle was closed", "market"
        )
        self.predictions = counter(
            "predictions_total", "Predictions made", "market", "horizon_ms", "direction"
        )
        self.outcomes = counter(
            "outcomes_total", "Predictions whose time came", "market", "horizon_ms", "verdict"
        )
        self.accuracy = gauge(
            "accuracy_ratio",
            "Share right of the predictions that did not abstain and whose price moved",
            "market",
            "horizon_ms",
        )
        self.accuracy_bound = gauge(
            "accuracy_bound_ratio",
            "Between which accuracy lies at 95 %: low and high",
            *("market", "horizon_ms", "bound"),
        )
        self.baseline_accuracy = gauge(
            "baseline_accuracy_ratio",
            "Share right of a baseline on the predictions that accuracy is of",
            *("market", "horizon_ms", "baseline"),
        )
        self.baseline_evidence = gauge(
            "baseline_evidence_log10",
            "Evidence (log10 of the e-value) that a baseline, or a coin, is better: 2 is proof",
            *("market", "horizon_ms", "baseline"),
        )
        self.prediction_latency = Histogram(
            "realtime_prediction_latency_seconds",
            "From the receipt of what closed a candle to its prediction being readable",
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.data_age = gauge(
            "data_age_seconds", "How far what is known is behind the market's clock", "market"
        )
        self.quote_lag = gauge(
            "quote_lag_seconds", "How far quotes are behind the trades they explain", "market"
        )
        self.stalled = gauge(
            "stalled_seconds", "How long a market is silent for longer than it ever is", "market"
        )
        self.open_gaps = gauge("open_gaps", "Gaps that are still asked for", "market")
        self.missing_trades = gauge(
            "missing_trades", "Ids that were never seen, and not repaired since", "market"
        )
        self.recent_candles = gauge(
            "recent_candles",
            "The newest 3,600 closed candles: complete, incomplete or unknown",
            *("market", "timeframe", "certificate"),
        )
        self.model_trained = gauge(
            "model_trained_timestamp_seconds",
            "When the serving model was trained",
            "market",
            "horizon_ms",
        )
        self.model_trainings = counter(
            "model_trainings_total", "Trainings, by how they ended", "market", "result"
        )
        self.model_causes = counter(
            "model_training_causes_total", "Trainings begun, by why they came", "market", "cause"
        )
        self.model_training_wait = gauge(
            "model_training_wait_seconds",
            "How long the newest training waited for others to end",
            "market",
        )
        self.models_unregistered = gauge(
            "models_unregistered", "Models that serve or served, and wait for the registry"
        )
        self.arena_abstentions = counter(
            "arena_abstentions_total", "Answers missing of models from outside", "model", "reason"
        )
        self.store_rows = counter("store_rows_total", "Rows written to the store", "table")
        self.store_rows_deleted = counter(
            "store_rows_deleted_total", "Rows deleted for being older than they are kept", "table"
        )
        self.store_queue_rows = gauge("store_queue_rows", "Rows that wait to be written")
        self.store_waits = counter(
            "store_waits_total", "Rows that had to wait for room in the full queue"
        )
        self.alerts = counter("alerts_total", "Alerts, by what became of them", "kind", "result")

        self.http_requests = counter(
            "http_requests_total", "Requests that were answered", "route", "status"
        )
        self.http_seconds = Histogram(
            "realtime_http_request_seconds",
            "From a request until its answer begins",
            ["route"],
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.hop = Histogram(
            "realtime_hop_seconds",
            "From the receipt at the edge until a stage was done with what came of it",
            ["stage"],
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.consumer_lag = gauge(
            "consumer_lag_messages", "Messages not read yet", "topic", "partition"
        )
        self.rebalances = counter(
            "rebalances_total", "Times partitions were shared out anew", "stage"
        )
        self.state_bytes = gauge("state_bytes", "Size of an operator's snapshot", "stage", "market")

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format; `CONTENT_TYPE` is its type."""
        return generate_latest(self._registry)
