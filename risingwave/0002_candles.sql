-- A second opinion on our candles: the same seconds, folded from raw trades by another engine.

-- Kafka may deliver a message twice; a trade counts once. Trades that come later than the watermark
-- allows are dropped, and then the difference is listed below.
CREATE TABLE IF NOT EXISTS single_trades (
    market VARCHAR,
    id BIGINT,
    price DOUBLE PRECISION,
    quantity DOUBLE PRECISION,
    taker VARCHAR,
    fills BIGINT,
    traded_at TIMESTAMPTZ,
    PRIMARY KEY (market, id),
    WATERMARK FOR traded_at AS traded_at - INTERVAL '10 seconds'
) APPEND ONLY ON CONFLICT DO NOTHING WITH (retention_seconds = '3600');

CREATE SINK IF NOT EXISTS trades_taken_apart INTO single_trades AS
SELECT
    market,
    (trade ->> 0)::BIGINT AS id,
    (trade ->> 1)::DOUBLE PRECISION AS price,
    (trade ->> 2)::DOUBLE PRECISION AS quantity,
    trade ->> 3 AS taker,
    (trade ->> 5)::BIGINT AS fills,
    to_timestamp((trade ->> 4)::DOUBLE PRECISION / 1000000) AS traded_at
FROM (SELECT market, jsonb_array_elements(trades) AS trade FROM trades) AS taken_apart
WITH (type = 'append-only');

CREATE MATERIALIZED VIEW IF NOT EXISTS candles_of_trades AS
SELECT
    market,
    window_start AS opened_at,
    first_value(price ORDER BY id) AS open,
    max(price) AS high,
    min(price) AS low,
    last_value(price ORDER BY id) AS close,
    sum(quantity) AS volume,
    sum(price * quantity) AS quote_volume,
    sum(fills)::BIGINT AS trade_count,
    coalesce(sum(quantity) FILTER (WHERE taker = 'buy'), 0) AS taker_buy_volume,
    coalesce(sum(price * quantity) FILTER (WHERE taker = 'buy'), 0) AS taker_buy_quote_volume,
    min(id - fills + 1) AS first_trade_id,  -- the fills of one trade end with its id
    max(id) AS last_trade_id
FROM TUMBLE(single_trades, traded_at, INTERVAL '1 second')
GROUP BY market, window_start
EMIT ON WINDOW CLOSE;

-- Of each closed candle the highest revision.
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
) AS revisions
WHERE place = 1;

-- The reconciliation: seconds in which both have trades, or only the second opinion has, and a field
-- differs. Empty is well. Sums are of floats here and of whole ticks and lots there, so they may
-- differ by rounding; a candle with late_count or filled may have trades the watermark shut out.
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
FROM candles_of_trades AS theirs
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

-- Of each gap the newest writing; one that is no longer open never opens again.
CREATE MATERIALIZED VIEW IF NOT EXISTS newest_gaps AS
SELECT market, first_id, end_id, since_us, until_us, state, reason
FROM (
    SELECT
        market, first_id, end_id, since_us, until_us, state, reason,
        row_number() OVER (
            PARTITION BY market, first_id, end_id
            ORDER BY CASE WHEN state = 'open' THEN 1 ELSE 0 END, published_at DESC
        ) AS place
    FROM gaps
) AS writings
WHERE place = 1;
