-- What is predicted now, and how good each model has been so far.

-- The first writing of a prediction counts. Previews are shown, never scored.
CREATE MATERIALIZED VIEW IF NOT EXISTS first_predictions AS
SELECT
    market, timeframe, close_time_ms, horizon_ms, role, model_name, model_version,
    label_latency_ms, mid, expected_return, predicted_price, p_up, p_flat, p_down, low, high, level,
    direction, reason, feature_set, made_at_ms, late
FROM (
    SELECT
        market, timeframe, close_time_ms, horizon_ms, role, model_name, model_version,
        label_latency_ms, mid, expected_return, predicted_price, p_up, p_flat, p_down, low, high,
        level, direction, reason, feature_set, made_at_ms, late,
        row_number() OVER (
            PARTITION BY market, timeframe, close_time_ms, horizon_ms, role, model_version
            ORDER BY published_at
        ) AS place
    FROM predictions
    WHERE NOT preview
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
) AS writings
WHERE place = 1;

-- Accuracy as the dashboard counts it: over moved rows where the model did not abstain;
-- accuracy_all counts rows that did not move as wrong. What was late, as the predictor says when it
-- publishes it, is not scored.
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
