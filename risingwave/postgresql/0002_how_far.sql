-- What is said of how far the price goes, and how good that has been: as the views have it.

CREATE TABLE IF NOT EXISTS risingwave.latest_moves (
    market VARCHAR,
    timeframe VARCHAR,
    target VARCHAR,
    horizon_ms BIGINT,
    close_time_ms BIGINT,
    for_ms BIGINT,
    model_name VARCHAR,
    model_version VARCHAR,
    price VARCHAR,
    move DOUBLE PRECISION,
    low_80 DOUBLE PRECISION,
    high_80 DOUBLE PRECISION,
    low_90 DOUBLE PRECISION,
    high_90 DOUBLE PRECISION,
    PRIMARY KEY (market, timeframe, target, horizon_ms)
);

CREATE TABLE IF NOT EXISTS risingwave.move_scores (
    market VARCHAR,
    timeframe VARCHAR,
    target VARCHAR,
    horizon_ms BIGINT,
    model_name VARCHAR,
    outcomes BIGINT,
    qlike DOUBLE PRECISION,
    crps DOUBLE PRECISION,
    coverage_80 DOUBLE PRECISION,
    coverage_90 DOUBLE PRECISION,
    less_than_har DOUBLE PRECISION,
    less_than_ewma DOUBLE PRECISION,
    less_than_yesterday DOUBLE PRECISION,
    until_ms BIGINT,
    PRIMARY KEY (market, timeframe, target, horizon_ms, model_name)
);
