-- The vectors that models use, a column each, as of the close; null while warming up. EMA, RSI, MACD
-- and the like are recursive: they are computed in Python, and only laid out here.

CREATE MATERIALIZED VIEW IF NOT EXISTS feature_table AS
SELECT
    market,
    timeframe,
    close_time_ms,
    feature_set,
    bid,
    ask,
    (bid + ask) / 2 AS mid,
    close,
    complete,
    ("values" ->> 'imbalance')::DOUBLE PRECISION AS imbalance,
    ("values" ->> 'imbalance_mean_500ms')::DOUBLE PRECISION AS imbalance_mean_500ms,
    ("values" ->> 'imbalance_mean_1s')::DOUBLE PRECISION AS imbalance_mean_1s,
    ("values" ->> 'imbalance_mean_5s')::DOUBLE PRECISION AS imbalance_mean_5s,
    ("values" ->> 'close_against_mid')::DOUBLE PRECISION AS close_against_mid,
    ("values" ->> 'spread')::DOUBLE PRECISION AS spread,
    ("values" ->> 'flow_250ms')::DOUBLE PRECISION AS flow_250ms,
    ("values" ->> 'flow_1s')::DOUBLE PRECISION AS flow_1s,
    ("values" ->> 'flow_2s')::DOUBLE PRECISION AS flow_2s,
    ("values" ->> 'flow_5s')::DOUBLE PRECISION AS flow_5s,
    ("values" ->> 'flow_10s')::DOUBLE PRECISION AS flow_10s,
    ("values" ->> 'return_250ms')::DOUBLE PRECISION AS return_250ms,
    ("values" ->> 'return_1s')::DOUBLE PRECISION AS return_1s,
    ("values" ->> 'return_5s')::DOUBLE PRECISION AS return_5s,
    ("values" ->> 'return_10s')::DOUBLE PRECISION AS return_10s,
    ("values" ->> 'volatility_10s')::DOUBLE PRECISION AS volatility_10s,
    ("values" ->> 'trades_1s')::DOUBLE PRECISION AS trades_1s,
    ("values" ->> 'rsi_14')::DOUBLE PRECISION AS rsi_14,
    ("values" ->> 'natr_14')::DOUBLE PRECISION AS natr_14
FROM (
    SELECT
        market, timeframe, close_time_ms, feature_set, bid, ask, close, complete, "values",
        row_number() OVER (
            PARTITION BY market, timeframe, close_time_ms, feature_set ORDER BY published_at
        ) AS place
    FROM technical_indicators
    WHERE NOT forming AND "values" <> '{}'::JSONB  -- finer timeframes carry prices only
) AS writings
WHERE place = 1;
