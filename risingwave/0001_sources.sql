-- The topics as the services write them: JSON, keyed by the market. Fields that nothing here uses
-- are left out. A topic is made by the first service that opens it, so services start first.

CREATE SOURCE IF NOT EXISTS trades (
    market VARCHAR,
    trades JSONB,  -- of each: id, price, quantity, taker, time in us, number of fills
    seen_until_us BIGINT
) WITH (
    connector = 'kafka',
    topic = 'trades',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'latest'  -- history comes market by market, long behind the watermark
) FORMAT PLAIN ENCODE JSON;

CREATE SOURCE IF NOT EXISTS candles (
    market VARCHAR,
    timeframe VARCHAR,
    open_time_ms BIGINT,
    close_time_ms BIGINT,
    open DOUBLE PRECISION,
    high DOUBLE PRECISION,
    low DOUBLE PRECISION,
    close DOUBLE PRECISION,
    volume DOUBLE PRECISION,
    quote_volume DOUBLE PRECISION,
    trade_count BIGINT,
    taker_buy_volume DOUBLE PRECISION,
    taker_buy_quote_volume DOUBLE PRECISION,
    first_trade_id BIGINT,
    last_trade_id BIGINT,
    state VARCHAR,
    revision BIGINT,
    complete BOOLEAN,
    filled BOOLEAN,
    late_count BIGINT
) WITH (
    connector = 'kafka',
    topic = 'candles',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

CREATE SOURCE IF NOT EXISTS technical_indicators (
    market VARCHAR,
    timeframe VARCHAR,
    close_time_ms BIGINT,
    "values" JSONB,
    bid DOUBLE PRECISION,
    ask DOUBLE PRECISION,
    close DOUBLE PRECISION,
    feature_set VARCHAR,
    complete BOOLEAN,
    forming BOOLEAN
) INCLUDE timestamp AS published_at
WITH (
    connector = 'kafka',
    topic = 'technical_indicators',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

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
    late BOOLEAN
) INCLUDE timestamp AS published_at
WITH (
    connector = 'kafka',
    topic = 'predictions',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

CREATE SOURCE IF NOT EXISTS outcomes (
    market VARCHAR,
    timeframe VARCHAR,
    close_time_ms BIGINT,
    horizon_ms BIGINT,
    role VARCHAR,
    model_version VARCHAR,
    realised_mid DOUBLE PRECISION,
    realised_return DOUBLE PRECISION,
    verdict VARCHAR,
    inside BOOLEAN,
    late BOOLEAN
) INCLUDE timestamp AS published_at
WITH (
    connector = 'kafka',
    topic = 'outcomes',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

CREATE SOURCE IF NOT EXISTS gaps (
    market VARCHAR,
    first_id BIGINT,
    end_id BIGINT,
    since_us BIGINT,
    until_us BIGINT,
    state VARCHAR,
    reason VARCHAR
) INCLUDE timestamp AS published_at
WITH (
    connector = 'kafka',
    topic = 'gaps',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

CREATE SOURCE IF NOT EXISTS dead_letters (
    source VARCHAR,
    reason VARCHAR,
    received_us BIGINT,
    size BIGINT,  -- of what was cut, in bytes
    sha256 VARCHAR,
    more BIGINT
) WITH (
    connector = 'kafka',
    topic = 'dead_letters',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;
