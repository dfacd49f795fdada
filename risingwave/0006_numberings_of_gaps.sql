-- Gaps as the store keeps them: of each numbering its own, and what was lost may come.

DROP MATERIALIZED VIEW IF EXISTS newest_gaps;

DROP SOURCE IF EXISTS gaps;

CREATE SOURCE IF NOT EXISTS gaps (
    market VARCHAR,
    first_id BIGINT,
    end_id BIGINT,
    since_us BIGINT,
    until_us BIGINT,
    state VARCHAR,
    reason VARCHAR,
    epoch BIGINT
) INCLUDE timestamp AS published_at
INCLUDE offset AS published_offset
WITH (
    connector = 'kafka',
    topic = 'gaps',
    properties.bootstrap.server = '${KAFKA_BROKER}',
    scan.startup.mode = 'earliest'
) FORMAT PLAIN ENCODE JSON;

-- Of each gap the writing that counts: repaired before lost before open, of open ones the newest, of
-- others the first. All writings of a market are in one partition, so offsets tell those of one
-- millisecond apart. The first gaps had no numbering: they are of the first.
CREATE MATERIALIZED VIEW IF NOT EXISTS newest_gaps AS
SELECT market, first_id, end_id, since_us, until_us, state, reason, epoch
FROM (
    SELECT
        market, first_id, end_id, since_us, until_us, state, reason, coalesce(epoch, 0) AS epoch,
        row_number() OVER (
            PARTITION BY market, first_id, end_id, coalesce(epoch, 0)
            ORDER BY
                CASE state WHEN 'open' THEN 0 WHEN 'lost' THEN 1 ELSE 2 END DESC,
                CASE WHEN state = 'open' THEN published_at END DESC,
                CASE WHEN state = 'open' THEN published_offset::BIGINT END DESC,
                published_at,
                published_offset::BIGINT
        ) AS place
    FROM gaps
) AS writings
WHERE place = 1;
