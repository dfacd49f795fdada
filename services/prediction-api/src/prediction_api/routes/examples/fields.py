"""Examples of fields, of which those of schemas are made."""

from __future__ import annotations

CLOSE_MS = 1_795_793_280_000
PREDICTION_ID = f"binance:BTC/USDT:1s:{CLOSE_MS}:1000:champion:7"
MOVE_ID = f"binance:BTC/USDT:1s:{CLOSE_MS}:300000:volatility"

OF_FIELDS: dict[str, object] = {
    # whose, and when
    "market": "binance:BTC/USDT", "symbol": "BTC/USDT", "timeframe": "1s", "id": PREDICTION_ID,
    "open_time_ms": CLOSE_MS - 1_000, "close_time_ms": CLOSE_MS, "as_of_ms": CLOSE_MS,
    "made_at_ms": CLOSE_MS + 12, "for_ms": CLOSE_MS + 1_000, "from_ms": CLOSE_MS - 3_600_000,
    "to_ms": CLOSE_MS, "since_ms": CLOSE_MS - 1_800_000, "until_ms": CLOSE_MS - 1_795_000,
    "first_close_ms": CLOSE_MS - 900_000, "last_close_ms": CLOSE_MS,
    "proven_until_ms": CLOSE_MS - 2_000, "trained_at_ms": CLOSE_MS - 901_000,
    "every_ms": 900_000, "horizon_ms": 1_000, "data_age_ms": 84, "latency_us": 1_240,
    # what is predicted
    "mid": 72_000.5, "predicted_price": 72_003.1, "expected_return": 3.611e-05,
    "p_up": 0.62, "p_flat": 0.08, "p_down": 0.3, "low": 71_991.2, "high": 72_014.8, "level": 0.8,
    "direction": "up", "Direction": "up", "reason": None, "weight": 0.44, "late": False,
    "CandidateView.model": "lightgbm:7", "stale": False, "stalled": False, "previews": [],
    # what came of it
    "Judged.verdict": "right", "Outcome.verdict": "right", "close_verdict": "right",
    "realised_mid": 72_002.0, "realised_return": 2.083e-05, "inside": True,
    "Finding": "skill", "Proof.verdict": "skill", "better": [],
    "log10_e": 4.7, "alpha": 0.01, "outcomes": 88_412,
    "abstained": 310, "flat": 21_040, "moved": 67_062, "effective": 61_874.0, "accuracy": 0.624,
    "coverage": 0.801, "AccuracyOfStretch.low": 0.62, "AccuracyOfStretch.high": 0.628,
    "ModelRecord.low": 0.62, "ModelRecord.high": 0.628, "versions": ["7"],
    # models
    "name": "lightgbm", "version": "7", "model_name": "lightgbm", "model_version": "7",
    "ModelRecord.rows": 3_600, "Model.rows": 3_600, "ModelState.rows": 3_600,
    "CandidateLoss.rows": 10_000, "Rival.rows": 67_062, "trainings": 3,
    "validation": {"lightgbm": 0.651, "imbalance_calibrated": 0.658},
    "ChampionChanged.model": "binance-BTC-USDT-1s-1000ms", "champion": "7", "before": "6",
    "why": "better than version 6 on rows that neither was fitted to",
    "metrics": {"lightgbm": 0.651, "imbalance_calibrated": 0.658}, "role": "champion",
    "label_latency_ms": 0, "answers": {"majority": "up", "imbalance_calibrated": "up"},
    "preview": False, "forming": False, "Said": [0.66, 0.44, "lightgbm:7"],
    "Prediction.candidates": {"lightgbm": [0.66, 0.44, "lightgbm:7"]},
    "closed_ms": CLOSE_MS, "starts_ms": CLOSE_MS, "ends_ms": CLOSE_MS + 1_000,
    "log_odds": 0.663, "base": 0.012, "Terms.features": {"imbalance": 0.412, "flow_1s": 0.239},
    "contributions": {
        "lightgbm": {
            "log_odds": 0.663, "base": 0.012, "features": {"imbalance": 0.412, "flow_1s": 0.239},
        },
    },
    "Explanation.p_up": 0.674, "Explanation.missing": {}, "close_return": 2.1e-05,
    "Outcome.baselines": {"majority": "right", "reversal": "wrong"},
    # how good it has been
    "Score.predictions": 10_000, "abstentions": 35, "accuracy_all": 0.473,
    "Score.outcomes": 10_000, "Score.moved": 7_582, "Score.effective": 6_990.0,
    "Score.low": 0.612, "Score.high": 0.635, "close_accuracy": 0.611,
    "Score.baselines": {"majority": 0.503, "persistence": 0.447, "reversal": 0.553},
    "references": {"imbalance_calibrated": 0.621, "imbalance_sign": 0.62},
    "said": 0.62, "came": 0.611, "ReliabilityBin.moved": 1_402,
    "positions": 9_965, "gross_bps": 0.18, "spread_bps": 0.31, "net_bps": -0.13,
    "log_loss": 0.651, "ahead": 0.004, "beaten": 4.7, "Rival.better": -3.2,
    "candidate": "lightgbm", "WindowScore.model": None, "fee_bps": 0.0, "late_bps": 0.11,
    "brier": 0.229, "calibration_error": 0.013, "hour": 14,
    "WindowScore.low": 0.62, "WindowScore.high": 0.628, "HourScore.low": 0.618,
    "HourScore.high": 0.63,
    # how far it goes
    "target": "volatility", "MoveTarget": "volatility", "price": "mid", "MovePrice": "mid",
    "MoveView.id": MOVE_ID, "JudgedMove.id": MOVE_ID,
    "MoveView.horizon_ms": 300_000, "MoveScore.horizon_ms": 300_000,
    "JudgedMove.horizon_ms": 300_000, "MoveView.for_ms": CLOSE_MS + 300_000,
    "JudgedMove.for_ms": CLOSE_MS + 300_000,
    "MoveView.model_name": "ridge", "JudgedMove.model_name": "ridge",
    "MoveView.model_version": str(CLOSE_MS - 901_000),
    "JudgedMove.model_version": str(CLOSE_MS - 901_000),
    "move": 0.00082, "low_80": 0.00054, "high_80": 0.00119, "low_90": 0.00047,
    "high_90": 0.00136, "mean": 6.724e-07, "quantiles": [2.2e-07, 2.9e-07, 6.2e-07, 1.8e-06],
    "MoveView.baselines": {"ewma": 0.00091, "har": 0.00086, "same_hour_of_yesterday": 0.00104},
    "MoveScore.outcomes": 1_440, "MoveScore.effective": 288.0, "qlike": 0.31, "crps": 0.29,
    "coverage_80": 0.798, "coverage_90": 0.901, "qlike_less": {"ewma": 0.08, "har": 0.05},
    "JudgedMove.realised": 0.00077, "inside_80": True, "inside_90": True,
    "MissingBounds.horizon_ms": 900_000, "MissingBounds.seen_ms": 17_640_000,
    "MissingBounds.needed_ms": 18_900_000,
    "MissingBounds.detail": "bounds come with a model, which can be fitted in about 21 min: "
    "294 min of 315 min of known prices seen",
    # candles
    "open": 71_998.0, "close": 72_000.0, "Candle.high": 72_004.1, "Candle.low": 71_995.5,
    "volume": 1.2842, "quote_volume": 92_461.7, "trade_count": 41, "taker_buy_volume": 0.71,
    "taker_buy_quote_volume": 51_119.8, "bid": 72_000.0, "bid_quantity": 0.84, "ask": 72_001.0,
    "ask_quantity": 0.39, "first_buy": 71_998.5, "first_sell": 71_998.0,
    "first_trade_id": 4_170_201, "last_trade_id": 4_170_241, "Candle.state": "closed",
    "revision": 0,
    "complete": True, "filled": False, "expected_count": 41, "late_count": 0,
    "bids": [[72_000.0, 0.84], [71_999.5, 1.3]], "asks": [[72_001.0, 0.39], [72_001.5, 0.92]],
    "Reading.value": 71_999.5, "Funding.rate": 0.0001, "next_us": (CLOSE_MS + 3_600_000) * 1_000,
    "bought": 1.25, "sold": 14.8, "Liquidations.since_us": (CLOSE_MS - 600_000) * 1_000,
    "time_us": (CLOSE_MS - 4) * 1_000, "next": None, "feature_set": "5f1c09b2",
    "values": {"rsi_14": 55.4, "imbalance_1": 0.31, "ema_20": None},
    # how whole a market is
    "sound": True, "epoch": 0, "first_id": 4_163_003, "last_id": 4_170_241, "published": 7_236,
    "missing": 3, "GapSeen.first_id": 4_165_100, "end_id": 4_165_103, "ids": 3, "GapState": "lost",
    "GapSeen.reason": "the exchange has none", "gap_counts": {"lost": 1},
    "stall_counts": {"resumed": 1}, "Channel": "trades", "StallOutcome": "resumed",
    "CandlesSeen.candles": 3_600, "CandlesSeen.complete": 3_593, "incomplete": 5, "unknown": 2,
    "CandlesSeen.filled": 0, "revised": 0, "contradicted": 0, "DoubtSeen.candles": 5,
    "DoubtSeen.complete": False, "compared": 59, "equal": 59, "different": 0, "queued": 0,
    "mended": 2, "marked": 5,
    # keys
    "KnownKey.name": "charts", "KnownKey.role": "read", "KeyRole": "read",
    "KnownKey.made_at_ms": CLOSE_MS - 86_400_000,
}  # fmt: skip
"""Of fields by name, of those of one schema alone by both, and of schemas that have no fields."""

NAMES: dict[str, str] = {
    "/predictions": "binance:BTC/USDT",
    "/scoreboard": "binance:BTC/USDT",
    "candidates": "lightgbm",
    "rivals": "majority",
    "windows": "day",
}
"""What a name in an object of many alike may be."""
