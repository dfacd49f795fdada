-- The tables that RisingWave's sinks write: same names and types as the views they come from.

CREATE SCHEMA IF NOT EXISTS risingwave;

CREATE TABLE IF NOT EXISTS risingwave.candle_differences (
    market VARCHAR,
    open_time_ms BIGINT,
    our_trade_count BIGINT,
    their_trade_count BIGINT,
    our_open DOUBLE PRECISION,
    their_open DOUBLE PRECISION,
    our_high DOUBLE PRECISION,
    their_high DOUBLE PRECISION,
    our_low DOUBLE PRECISION,
    their_low DOUBLE PRECISION,
    our_close DOUBLE PRECISION,
    their_close DOUBLE PRECISION,
    our_volume DOUBLE PRECISION,
    their_volume DOUBLE PRECISION,
    our_first_trade_id BIGINT,
    their_first_trade_id BIGINT,
    our_last_trade_id BIGINT,
    their_last_trade_id BIGINT,
    revision BIGINT,
    complete BOOLEAN,
    filled BOOLEAN,
    late_count BIGINT,
    PRIMARY KEY (market, open_time_ms)
);

CREATE TABLE IF NOT EXISTS risingwave.latest_predictions (
    market VARCHAR,
    timeframe VARCHAR,
    horizon_ms BIGINT,
    close_time_ms BIGINT,
    for_ms BIGINT,
    model_name VARCHAR,
    model_version VARCHAR,
    mid DOUBLE PRECISION,
    predicted_price DOUBLE PRECISION,
    expected_return DOUBLE PRECISION,
    p_up DOUBLE PRECISION,
    p_flat DOUBLE PRECISION,
    p_down DOUBLE PRECISION,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    level DOUBLE PRECISION,
    direction VARCHAR,
    reason VARCHAR,
    PRIMARY KEY (market, timeframe, horizon_ms)
);

CREATE TABLE IF NOT EXISTS risingwave.model_accuracy (
    market VARCHAR,
    timeframe VARCHAR,
    horizon_ms BIGINT,
    role VARCHAR,
    model_name VARCHAR,
    model_version VARCHAR,
    outcomes BIGINT,
    abstentions BIGINT,
    moved BIGINT,
    accuracy DOUBLE PRECISION,
    accuracy_all DOUBLE PRECISION,
    coverage DOUBLE PRECISION,
    until_ms BIGINT,
    PRIMARY KEY (market, timeframe, horizon_ms, role, model_name, model_version)
);
