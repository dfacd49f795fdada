-- How far the price will go: what is said now, and how good each model has been, kept as long as
-- predictions are.

CREATE SOURCE IF NOT EXISTS move_forecasts (
    market VARCHAR,
    timeframe VARCHAR,
    close_time_ms BIGINT,
    horizon_ms BIGINT,
    target VARCHAR,
    model_name VARCHAR,
    model_version VARCHAR,
    price VARCHAR,
    label_latency_ms BIGINT,
    mean DOUBLE PRECISION,
    quantiles JSONB,  -- at 5, 10, ... 95 %; none until a model has been fitted
    baselines JSONB,
    made_at_ms BIGINT,
    late BOOLEAN
) INCLUDE timestamp AS published_at
WITH (
    connector = 'kafka',
    topic = 'move_forecasts',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

CREATE SOURCE IF NOT EXISTS move_outcomes (
    market VARCHAR,
    timeframe VARCHAR,
    close_time_ms BIGINT,
    horizon_ms BIGINT,
    target VARCHAR,
    model_name VARCHAR,
    model_version VARCHAR,
    realised DOUBLE PRECISION,
    qlike DOUBLE PRECISION,
    baselines JSONB,
    crps DOUBLE PRECISION,
    inside_80 BOOLEAN,
    inside_90 BOOLEAN,
    late BOOLEAN
) INCLUDE timestamp AS published_at
WITH (
    connector = 'kafka',
    topic = 'move_outcomes',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

-- The newest of each target and horizon, of which the first writing counts. A move is a fraction of
-- the price: of volatility, whose mean is a variance, the root.
CREATE MATERIALIZED VIEW IF NOT EXISTS latest_moves AS
SELECT
    market, timeframe, target, horizon_ms, close_time_ms,
    close_time_ms + label_latency_ms + horizon_ms AS for_ms,
    model_name, model_version, price,
    CASE target WHEN 'volatility' THEN sqrt(mean) ELSE mean END AS move,
    CASE target WHEN 'volatility' THEN sqrt(low_80) ELSE low_80 END AS low_80,
    CASE target WHEN 'volatility' THEN sqrt(high_80) ELSE high_80 END AS high_80,
    CASE target WHEN 'volatility' THEN sqrt(low_90) ELSE low_90 END AS low_90,
    CASE target WHEN 'volatility' THEN sqrt(high_90) ELSE high_90 END AS high_90
FROM (
    SELECT
        market, timeframe, target, horizon_ms, close_time_ms, label_latency_ms, model_name,
        model_version, price, mean,
        (quantiles ->> 0)::DOUBLE PRECISION AS low_90,
        (quantiles ->> 1)::DOUBLE PRECISION AS low_80,
        (quantiles ->> 17)::DOUBLE PRECISION AS high_80,
        (quantiles ->> 18)::DOUBLE PRECISION AS high_90,
        row_number() OVER (
            PARTITION BY market, timeframe, target, horizon_ms
            ORDER BY close_time_ms DESC, published_at
        ) AS place
    FROM move_forecasts
    WHERE published_at > NOW() - INTERVAL '31 days'
) AS ranked
WHERE place = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS first_move_outcomes AS
SELECT
    market, timeframe, close_time_ms, horizon_ms, target, model_name, model_version, realised,
    qlike, baselines, crps, inside_80, inside_90, late
FROM (
    SELECT
        market, timeframe, close_time_ms, horizon_ms, target, model_name, model_version, realised,
        qlike, baselines, crps, inside_80, inside_90, late,
        row_number() OVER (
            PARTITION BY market, timeframe, close_time_ms, horizon_ms, target
            ORDER BY published_at
        ) AS place
    FROM move_outcomes
    WHERE published_at > NOW() - INTERVAL '31 days'
) AS writings
WHERE place = 1;

-- As the API counts it, of the last 31 days: of forecasts with bounds that were not late; by which
-- share the loss is less than each baseline's, on rows where both are known.
CREATE MATERIALIZED VIEW IF NOT EXISTS move_scores AS
SELECT
    market, timeframe, target, horizon_ms, model_name,
    count(*)::BIGINT AS outcomes,
    avg(qlike) AS qlike,
    avg(crps) AS crps,
    (count(*) FILTER (WHERE inside_80))::DOUBLE PRECISION / count(*) AS coverage_80,
    (count(*) FILTER (WHERE inside_90))::DOUBLE PRECISION / count(*) AS coverage_90,
    1 - sum(qlike) FILTER (WHERE of_har IS NOT NULL) / nullif(sum(of_har), 0) AS less_than_har,
    1 - sum(qlike) FILTER (WHERE of_ewma IS NOT NULL) / nullif(sum(of_ewma), 0) AS less_than_ewma,
    1 - sum(qlike) FILTER (WHERE of_yesterday IS NOT NULL) / nullif(sum(of_yesterday), 0)
        AS less_than_yesterday,
    max(close_time_ms) AS until_ms
FROM (
    SELECT
        market, timeframe, target, horizon_ms, model_name, close_time_ms, qlike, crps, inside_80,
        inside_90,
        (baselines ->> 'har')::DOUBLE PRECISION AS of_har,
        (baselines ->> 'ewma')::DOUBLE PRECISION AS of_ewma,
        (baselines ->> 'same_hour_of_yesterday')::DOUBLE PRECISION AS of_yesterday
    FROM first_move_outcomes
    WHERE NOT coalesce(late, FALSE) AND qlike IS NOT NULL AND crps IS NOT NULL
) AS scored
GROUP BY market, timeframe, target, horizon_ms, model_name;

CREATE SINK IF NOT EXISTS latest_moves_to_postgresql FROM latest_moves WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'latest_moves',
    type = 'upsert',
    primary_key = 'market,timeframe,target,horizon_ms'
);

CREATE SINK IF NOT EXISTS move_scores_to_postgresql FROM move_scores WITH (
    connector = 'postgres',
    host = '${POSTGRES_HOST}',
    port = '${POSTGRES_PORT}',
    user = '${POSTGRES_USER}',
    password = '${POSTGRES_PASSWORD}',
    database = '${POSTGRES_DB}',
    schema = 'risingwave',
    table = 'move_scores',
    type = 'upsert',
    primary_key = 'market,timeframe,target,horizon_ms,model_name'
);
