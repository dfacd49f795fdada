"""Examples in `/openapi.json` of answers whose schema says little: by path, without the venue."""

from __future__ import annotations

from prediction_api.routes.examples.fields import CLOSE_MS, PREDICTION_ID

_MARKET = "binance:BTC/USDT"
_NAMED = {"market": _MARKET, "venue": "binance", "symbol": "BTC/USDT", "path": "binance/BTC-USDT"}
_STATUS = (
    f'event: status\ndata: {{"state":"ok","as_of_ms":{CLOSE_MS},"data_age_ms":84,'
    '"warming_up":null,"latency":{"p50_us":1240,"p99_us":3310,"count":1000,"hops":['
    '{"name":"exchange","p50_us":61000,"p99_us":240000},'
    '{"name":"prediction","p50_us":1050,"p99_us":2890},'
    '{"name":"api","p50_us":190,"p99_us":610}]},"feed":'
    '{"exchange":"binance","connected":true,"reconnects":0,"missing_trades":0,"parity":1.0,'
    '"compared":59},"horizons":[],"stalled":[],"how_far_missing":{}}\n\n'
)
_FOLLOWED = (
    f"retry: 1000\n\nid: o-{CLOSE_MS - 1_000}-1000\nevent: outcome\n"
    f'data: {{"id":"{PREDICTION_ID}","close_time_ms":{CLOSE_MS - 1_000},"horizon_ms":1000,'
    '"verdict":"right","realised_mid":72002.0,"realised_return":2.083e-05,"inside":true}\n\n'
)

OF_ANSWERS: dict[str, object] = {
    "/routes": {
        "markets": [_NAMED],
        "routes": ["/predictions/BTC-USDT", "/predictions/binance/BTC-USDT", "/symbols", "/health"],
        "streams": ["/predictions/BTC-USDT/stream", "/predictions/binance/BTC-USDT/stream"],
        "posts": [
            "/models/binance/BTC-USDT/promote", "/models/binance/BTC-USDT/rollback",
        ],
    },
    "/symbols": [{**_NAMED, "state": "ok"}],
    "/version": {"name": "prediction-api", "version": "0.1.0"},
    "/config": {
        "plan": {
            "markets": [_MARKET], "timeframe": "1s", "horizons": [1, 2, 5, 10],
            "timeframes": ["1s", "1m"], "latency_ms": 0, "groups": {},
        },
        "api": {
            "host": "127.0.0.1", "port": 8000, "stale_after_ms": 5_000, "most_streams": 64,
            "allowed_hosts": [], "cors_origins": [], "open_read": True, "requests_per_minute": 0,
        },
    },
    "/health": {
        "status": "ok", "stale": [], "stalled": [],
        "markets": {
            _MARKET: {
                "status": "ok", "data_age_ms": 84,
                "models": {"1000": {"name": "lightgbm", "version": "7"}},
                "accuracy": {"1000": 0.624}, "missing_trades": 0, "open_gaps": 0,
                "stalled_ms": None, "quote_lag_ms": 3, "book": None,
                "parity": {"compared": 59, "equal": 59, "incomplete": 1, "differences": []},
            }
        },
    },
    "/live": {"status": "ok"},
    "/ready": {"ready": [_MARKET]},
    "/metrics": (
        "# HELP realtime_predictions_total Predictions made\n"
        "# TYPE realtime_predictions_total counter\n"
        f'realtime_predictions_total{{direction="up",horizon_ms="1000",market="{_MARKET}"}} 412.0\n'
    ),
    "/view/{symbol}": {
        "market": _MARKET, "venue": "binance", "symbol": "BTC/USDT", "timeframe_ms": 1_000,
        "horizons_ms": [1_000],
        "candles": [
            [CLOSE_MS - 1_000, 71_998.0, 72_004.1, 71_995.5, 72_000.0, 72_000.5, 1.2842]
        ],
        "forming": None,
        "points": {
            "1000": [
                [CLOSE_MS, CLOSE_MS + 1_000, 72_000.5, 72_003.1, 71_991.2, 72_014.8, "up", None]
            ]
        },
        "newest": {}, "previews": {},
    },
    "/stream/{symbol}": f"retry: 1000\n\n{_STATUS}",
    "/predictions/{symbol}/stream": _FOLLOWED,
    "/udf/config": {
        "supported_resolutions": ["1S", "5S", "15S", "30S", "1"], "supports_search": True,
        "supports_group_request": False, "supports_marks": False,
        "supports_timescale_marks": False, "supports_time": True,
        "exchanges": [
            {"value": "", "name": "All", "desc": ""},
            {"value": "binance", "name": "binance", "desc": "binance"},
        ],
        "symbols_types": [
            {"name": "All", "value": ""}, {"name": "Crypto", "value": "crypto"},
        ],
    },
    "/udf/time": str(CLOSE_MS // 1_000),
    "/udf/search": [
        {
            "symbol": "BTC/USDT", "full_name": _MARKET, "ticker": _MARKET, "exchange": "binance",
            "description": "BTC/USDT on binance", "type": "crypto",
        }
    ],
    "/udf/symbols": {
        "name": "BTC/USDT", "full_name": _MARKET, "ticker": _MARKET,
        "description": "BTC/USDT on binance", "type": "crypto", "session": "24x7",
        "timezone": "Etc/UTC", "exchange": "binance", "listed_exchange": "binance",
        "exchange-listed": "binance", "exchange-traded": "binance", "format": "price",
        "minmov": 1, "minmovement": 1, "minmov2": 0, "pricescale": 100, "has_intraday": True,
        "has_seconds": True, "seconds_multipliers": ["1", "5", "15", "30"],
        "intraday_multipliers": ["1"], "has_daily": False, "has_weekly_and_monthly": False,
        "supported_resolutions": ["1S", "5S", "15S", "30S", "1"], "volume_precision": 8,
        "data_status": "streaming",
    },
    "/udf/history": {
        "t": [CLOSE_MS // 1_000 - 1], "o": [71_998.0], "h": [72_004.1], "l": [71_995.5],
        "c": [72_000.0], "v": [1.2842], "s": "ok",
    },
}  # fmt: skip
