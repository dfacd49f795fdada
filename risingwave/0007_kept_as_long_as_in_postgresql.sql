-- What is kept is as old at most as PostgreSQL keeps it: rows leave by the time they were published
-- at, candles by their close, and with them the state of what joins and ranks them. Predictions say
-- what each candidate said.

DROP SOURCE IF EXISTS predictions CASCADE;

DROP MATERIALIZED VIEW IF EXISTS first_outcomes CASCADE;

DROP MATERIALIZED VIEW IF EXISTS closed_candles CASCADE;

DROP MATERIALIZED VIEW IF EXISTS feature_table CASCADE;

CREATE SOURCE IF NOT EXISTS predictions (
    market VARCHAR,
    timeframe VARCHAR,
    close_time_ms BIGINT,
    horizon_ms BIGINT,
    role VARCHAR,
    model_name VARCHAR,
    model_version VARCHAR,
    label_latency_ms BIGINT,
    mid DOUBLE PRECISION,
    expected_return DOUBLE PRECISION,
    predicted_price DOUBLE PRECISION,
    p_up DOUBLE PRECISION,
    p_flat DOUBLE PRECISION,
    p_down DOUBLE PRECISION,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    level DOUBLE PRECISION,
    direction VARCHAR,
    reason VARCHAR,
    preview BOOLEAN,
    feature_set VARCHAR,
    made_at_ms BIGINT,
    late BOOLEAN,
    candidates JSONB
) INCLUDE timestamp AS published_at
WITH (
    connector = 'kafka',
    topic = 'predictions',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

-- The first writing of a prediction counts. Previews are shown, never scored.
CREATE MATERIALIZED VIEW IF NOT EXISTS first_predictions AS
SELECT
    market, timeframe, close_time_ms, horizon_ms, role, model_name, model_version,
    label_latency_ms, mid, expected_return, predicted_price, p_up, p_flat, p_down, low, high, level,
    direction, reason, feature_set, made_at_ms, late,
    candidates
FROM (
    SELECT
        market, timeframe, close_time_ms, horizon_ms, role, model_name, model_version,
        label_latency_ms, mid, expected_return, predicted_price, p_up, p_flat, p_down, low, high,
        level, direction, reason, feature_set, made_at_ms, late,
        candidates,
        row_number() OVER (
            PARTITION BY market, timeframe, close_time_ms, horizon_ms, role, model_version
            ORDER BY published_at
        ) AS place
    FROM predictions
    WHERE NOT preview AND published_at > NOW() - INTERVAL '31 days'
) AS writings
WHERE place = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS latest_predictions AS
SELECT
    market, timeframe, horizon_ms, close_time_ms,
    close_time_ms + label_latency_ms + horizon_ms AS for_ms,
    model_name, model_version, mid, predicted_price, expected_return, p_up, p_flat, p_down, low,
    high, level, direction, reason
FROM (
    SELECT
        market, timeframe, horizon_ms, close_time_ms, label_latency_ms, model_name, model_version,
        mid, predicted_price, expected_return, p_up, p_flat, p_down, low, high, level, direction,
        reason,
        row_number() OVER (
            PARTITION BY market, timeframe, horizon_ms ORDER BY close_time_ms DESC
        ) AS place
    FROM first_predictions
    WHERE role = 'champion'
) AS ranked
WHERE place = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS first_outcomes AS
SELECT
    market, timeframe, close_time_ms, horizon_ms, role, model_version, realised_mid,
    realised_return, verdict, inside
FROM (
    SELECT
        market, timeframe, close_time_ms, horizon_ms, role, model_version, realised_mid,
        realised_return, verdict, inside,
        row_number() OVER (
            PARTITION BY market, timeframe, close_time_ms, horizon_ms, role, model_version
            ORDER BY published_at
        ) AS place
    FROM outcomes
    WHERE published_at > NOW() - INTERVAL '31 days'
) AS writings
WHERE place = 1;

-- Accuracy as the dashboard counts it, of the last 31 days: over moved rows where the model did not
-- abstain; accuracy_all counts rows that did not move as wrong. What was late, as the predictor says
-- when it publishes it, is not scored.
CREATE MATERIALIZED VIEW IF NOT EXISTS model_accuracy AS
SELECT
    prediction.market,
    prediction.timeframe,
    prediction.horizon_ms,
    prediction.role,
    prediction.model_name,
    prediction.model_version,
    count(*)::BIGINT AS outcomes,
    (count(*) FILTER (WHERE verdict = 'abstained'))::BIGINT AS abstentions,
    (count(*) FILTER (WHERE verdict IN ('right', 'wrong')))::BIGINT AS moved,
    (count(*) FILTER (WHERE verdict = 'right'))::DOUBLE PRECISION
        / nullif(count(*) FILTER (WHERE verdict IN ('right', 'wrong')), 0) AS accuracy,
    (count(*) FILTER (WHERE verdict = 'right'))::DOUBLE PRECISION
        / nullif(count(*) FILTER (WHERE verdict <> 'abstained'), 0) AS accuracy_all,
    (count(*) FILTER (WHERE inside))::DOUBLE PRECISION / count(*) AS coverage,
    max(prediction.close_time_ms) AS until_ms
FROM first_predictions AS prediction
JOIN first_outcomes AS outcome
    ON outcome.market = prediction.market
    AND outcome.timeframe = prediction.timeframe
    AND outcome.close_time_ms = prediction.close_time_ms
    AND outcome.horizon_ms = prediction.horizon_ms
    AND outcome.role = prediction.role
    AND outcome.model_version = prediction.model_version
WHERE NOT coalesce(prediction.late, FALSE)
GROUP BY
    prediction.market, prediction.timeframe, prediction.horizon_ms, prediction.role,
    prediction.model_name, prediction.model_version;

-- Of each closed candle the highest revision. Those of a minute and longer stay.
CREATE MATERIALIZED VIEW IF NOT EXISTS closed_candles AS
SELECT
    market, timeframe, open_time_ms, close_time_ms, open, high, low, close, volume, quote_volume,
    trade_count, taker_buy_volume, taker_buy_quote_volume, first_trade_id, last_trade_id, revision,
    complete, filled, late_count
FROM (
    SELECT
        market, timeframe, open_time_ms, close_time_ms, open, high, low, close, volume,
        quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume, first_trade_id,
        last_trade_id, revision, complete, filled, late_count,
        row_number() OVER (
            PARTITION BY market, timeframe, open_time_ms ORDER BY revision DESC
        ) AS place
    FROM candles
    WHERE state = 'closed'
        AND (
            to_timestamp(close_time_ms / 1000.0) > NOW() - INTERVAL '7 days'
            OR close_time_ms - open_time_ms >= 60000
        )
) AS revisions
WHERE place = 1;

-- A candle of ours leaves by its close, so the second opinion on it, which leaves by its open, is gone
-- before.
CREATE MATERIALIZED VIEW IF NOT EXISTS candle_differences AS
SELECT
    theirs.market,
    (extract(epoch FROM theirs.opened_at) * 1000)::BIGINT AS open_time_ms,
    ours.trade_count AS our_trade_count,
    theirs.trade_count AS their_trade_count,
    ours.open AS our_open,
    theirs.open AS their_open,
    ours.high AS our_high,
    theirs.high AS their_high,
    ours.low AS our_low,
    theirs.low AS their_low,
    ours.close AS our_close,
    theirs.close AS their_close,
    ours.volume AS our_volume,
    theirs.volume AS their_volume,
    ours.first_trade_id AS our_first_trade_id,
    theirs.first_trade_id AS their_first_trade_id,
    ours.last_trade_id AS our_last_trade_id,
    theirs.last_trade_id AS their_last_trade_id,
    ours.revision,
    ours.complete,
    ours.filled,
    ours.late_count
FROM (
    SELECT * FROM candles_of_trades WHERE opened_at > NOW() - INTERVAL '7 days'
) AS theirs
LEFT JOIN (SELECT * FROM closed_candles WHERE timeframe = '1s') AS ours
    ON ours.market = theirs.market
    AND ours.open_time_ms = (extract(epoch FROM theirs.opened_at) * 1000)::BIGINT
WHERE ours.market IS NULL
    OR ours.trade_count <> theirs.trade_count
    OR ours.open <> theirs.open
    OR ours.high <> theirs.high
    OR ours.low <> theirs.low
    OR ours.close <> theirs.close
    OR ours.first_trade_id <> theirs.first_trade_id
    OR ours.last_trade_id <> theirs.last_trade_id
    OR abs(ours.volume - theirs.volume) > 1e-9 * theirs.volume
    OR abs(ours.quote_volume - theirs.quote_volume) > 1e-9 * theirs.quote_volume
    OR abs(ours.taker_buy_volume - theirs.taker_buy_volume) > 1e-9 * theirs.volume
    OR abs(ours.taker_buy_quote_volume - theirs.taker_buy_quote_volume)
        > 1e-9 * theirs.quote_volume;

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
    WHERE NOT forming
        AND "values" <> '{}'::JSONB  -- finer timeframes carry prices only
        AND published_at > NOW() - INTERVAL '7 days'
) AS writings
WHERE place = 1;

CREATE SINK IF NOT EXISTS candle_differences_to_postgresql FROM candle_differences WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'candle_differences',
    type = 'upsert',
    primary_key = 'market,open_time_ms'
);

CREATE SINK IF NOT EXISTS latest_predictions_to_postgresql FROM latest_predictions WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'latest_predictions',
    type = 'upsert',
    primary_key = 'market,timeframe,horizon_ms'
);

CREATE SINK IF NOT EXISTS model_accuracy_to_postgresql FROM model_accuracy WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'model_accuracy',
    type = 'upsert',
    primary_key = 'market,timeframe,horizon_ms,role,model_name,model_version'
);
