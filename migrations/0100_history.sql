-- History on plain PostgreSQL: a row is one scan (docs/adr/0020-history-rows-are-scans.md). Tables and columns are
-- those of 0100_history.timescale.sql, so that every query runs on both; only the partitioning differs.

CREATE TABLE point_set (
    set_id bigint PRIMARY KEY,
    point_ids integer[] NOT NULL
);
COMMENT ON TABLE point_set IS 'Points that are read together, in order; named by their content, never changed';

CREATE TABLE point_set_member (
    point_id integer NOT NULL,
    set_id bigint NOT NULL REFERENCES point_set,
    ordinal integer NOT NULL CHECK (ordinal > 0),
    PRIMARY KEY (point_id, set_id, ordinal)
);
COMMENT ON TABLE point_set_member IS 'Which sets hold a point, and where';

CREATE TABLE scan (
    observed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    set_id bigint,                    -- none: a chance selection, which names its points itself
    point_ids integer[],
    "values" double precision[] NOT NULL,
    quality bytea,                    -- a byte per value; none: all are good
    CHECK ((set_id IS NULL) = (point_ids IS NOT NULL))
) PARTITION BY RANGE (observed_at);
COMMENT ON TABLE scan IS 'Everything measured: one poll of one point set per row';

-- Longer scans go out of line uncompressed: compressing floats is slow and saves little.
ALTER TABLE scan ALTER COLUMN "values" SET STORAGE EXTERNAL;

CREATE INDEX scan_set ON scan (set_id, observed_at);
-- Rows arrive nearly in order of time: this index costs next to nothing and finds a time over all sets.
CREATE INDEX scan_time ON scan USING brin (observed_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX scan_selection ON scan USING gin (point_ids) WHERE set_id IS NULL;

CREATE TABLE rollup_1m (
    bucket timestamptz NOT NULL,
    block integer NOT NULL,           -- point_id / 32; the point's slot is point_id % 32 + 1
    count integer[] NOT NULL,
    good_us bigint[] NOT NULL,
    mean double precision[] NOT NULL,
    low double precision[] NOT NULL,
    high double precision[] NOT NULL,
    "start" double precision[] NOT NULL,
    first double precision[] NOT NULL,
    last double precision[] NOT NULL,
    fall double precision[] NOT NULL,
    PRIMARY KEY (block, bucket)
) PARTITION BY RANGE (bucket);

-- Two partitions for times that no clock of ours should give. Between them nothing is ever caught by default, so that
-- a day can always be attached.
CREATE TABLE scan_before PARTITION OF scan FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00+00');
CREATE TABLE scan_after PARTITION OF scan FOR VALUES FROM ('2100-01-01 00:00+00') TO (MAXVALUE);
CREATE TABLE rollup_1m_before PARTITION OF rollup_1m FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00+00');
CREATE TABLE rollup_1m_after PARTITION OF rollup_1m FOR VALUES FROM ('2100-01-01 00:00+00') TO (MAXVALUE);

-- Attached rather than created in place: CREATE ... PARTITION OF locks out every reader of the whole table, and
-- would wait behind a long export.
CREATE FUNCTION create_history_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
BEGIN
    IF day < DATE '2000-01-01' OR day >= DATE '2100-01-01' THEN
        RETURN;
    END IF;
    FOREACH parent IN ARRAY ARRAY['scan', 'rollup_1m'] LOOP
        child := parent || to_char(day, '"_"YYYYMMDD');
        IF to_regclass(child) IS NOT NULL THEN
            CONTINUE;
        END IF;
        -- Somebody else may make it now. After waiting for them the catalogue itself must be asked: the cache behind
        -- to_regclass would still say that there is none.
        PERFORM pg_advisory_xact_lock(7304);
        PERFORM FROM pg_class WHERE relname = child AND relnamespace = current_schema()::regnamespace;
        IF NOT FOUND THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                           child, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child,
                           day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
            -- Rollups of 32 points (2.4 kB) and scans of up to 480 values stay in the page as they are.
            EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = %s)', child,
                           CASE parent WHEN 'scan' THEN 4072 ELSE 8160 END);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION create_history_day IS 'Make room for the scans of one UTC day; does nothing where there is room';

-- Rows of 32 points at about 2.4 kB: kept whole in the page, three to a page, instead of compressed out of line.
CREATE TABLE rollup_15m (LIKE rollup_1m INCLUDING ALL) WITH (toast_tuple_target = 8160);
CREATE TABLE rollup_1h (LIKE rollup_1m INCLUDING ALL) WITH (toast_tuple_target = 8160);
CREATE TABLE rollup_1d (LIKE rollup_1m INCLUDING ALL) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE rollup_1m IS 'Figures per minute, 32 points a row (docs/reference/history.md)';
COMMENT ON TABLE rollup_15m IS 'Figures per quarter hour';
COMMENT ON TABLE rollup_1h IS 'Figures per hour of UTC';
COMMENT ON TABLE rollup_1d IS 'Figures per day of the building''s time zone';

CREATE TABLE rollup_state (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    closed_through timestamptz NOT NULL,
    time_zone text NOT NULL
);
COMMENT ON TABLE rollup_state IS 'Every bucket that ends by then is written, unless its hour is in rollup_dirty';

CREATE TABLE rollup_dirty (
    hour timestamptz NOT NULL,
    block integer NOT NULL,
    PRIMARY KEY (hour, block)
);
COMMENT ON TABLE rollup_dirty IS 'Hours whose rollups wait to be computed again, because samples came late';

CREATE TABLE ingest_progress (
    source text NOT NULL,
    epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    losses integer NOT NULL DEFAULT 0,  -- how many gaps of this epoch were reported as events
    PRIMARY KEY (source, epoch)
);
COMMENT ON TABLE ingest_progress IS 'Last batch stored of each collector run';

CREATE TABLE ingest_position (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    position bigint NOT NULL,
    version bigint NOT NULL DEFAULT 0   -- grows with every transaction, so that a second historian is noticed
);
INSERT INTO ingest_position (position) VALUES (0);
COMMENT ON TABLE ingest_position IS 'Position of the telemetry log that history has followed to';

CREATE TABLE ingest_gap (
    source text NOT NULL,
    epoch bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL CHECK (last >= first),
    found_at timestamptz NOT NULL,
    reported boolean NOT NULL DEFAULT false,
    PRIMARY KEY (source, epoch, first)
);
COMMENT ON TABLE ingest_gap IS 'Sequences of batches that the telemetry log skipped and that are still missing';

CREATE TABLE latest (
    block integer PRIMARY KEY,        -- point_id / 256; slot point_id % 256 + 1
    observed_at bigint[] NOT NULL,    -- µs UTC; the smallest bigint where there was no sample yet
    recorded_at bigint[] NOT NULL,
    value double precision[] NOT NULL,
    quality smallint[] NOT NULL
) WITH (toast_tuple_target = 8160, fillfactor = 50);
-- Rewritten with every transaction of the historian: let the dead rows go early.
ALTER TABLE latest SET (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE latest IS 'Newest sample of every point, 256 points a row';

CREATE VIEW sample AS
SELECT s.observed_at, m.point_id, nullif(s."values"[m.ordinal], 'NaN') AS value,
       coalesce(get_byte(s.quality, m.ordinal - 1), 0)::smallint AS quality, s.recorded_at
FROM point_set_member m
JOIN scan s ON s.set_id = m.set_id
UNION ALL
SELECT s.observed_at, u.point_id, nullif(u.value, 'NaN'),
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint, s.recorded_at
FROM scan s
CROSS JOIN LATERAL unnest(s.point_ids, s."values") WITH ORDINALITY AS u (point_id, value, ordinal)
WHERE s.set_id IS NULL;
COMMENT ON VIEW sample IS 'One row per sample, for SQL and Grafana';
