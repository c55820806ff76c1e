-- The cold form of old scans (docs/adr/0071-cold-form.md): a row per point and day instead of a row per scan. What is in
-- both forms at a time is the same twice, and a sample that stands twice stands once.

CREATE TABLE cold_scan (
    set_id bigint NOT NULL,
    day date NOT NULL,                -- of UTC
    scans integer NOT NULL,
    times bytea NOT NULL,             -- observed_at and recorded_at of every scan
    PRIMARY KEY (set_id, day)
);
ALTER TABLE cold_scan ALTER COLUMN times SET STORAGE EXTERNAL;
COMMENT ON TABLE cold_scan IS 'When the points of a set were read on a day, packed';

CREATE TABLE cold_point (
    point_id integer NOT NULL,
    day date NOT NULL,
    set_id bigint NOT NULL,           -- 0: samples of chance selections, which bring their own times
    samples integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (point_id, day, set_id)
);
ALTER TABLE cold_point ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX cold_point_day ON cold_point (day);
COMMENT ON TABLE cold_point IS 'Samples of a point on a day, packed';

CREATE TABLE cold_day (
    day date PRIMARY KEY,
    touched boolean NOT NULL DEFAULT false,  -- scans came since packing began
    packed_at timestamptz,                   -- all its scans are in the cold form
    emptied_at timestamptz,                  -- the room of its scans is given back
    archived_at timestamptz,                 -- its samples are in an archive outside of the database
    expired_at timestamptz                   -- samples of it were dropped, because they were kept long enough
);
COMMENT ON TABLE cold_day IS 'What has become of the scans of a UTC day';

-- Figures of before these times were let go of: whoever asks is answered from what is left.
ALTER TABLE rollup_state ADD COLUMN minutes_since timestamptz, ADD COLUMN quarters_since timestamptz;

CREATE FUNCTION scan_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT (range_start AT TIME ZONE 'UTC')::date
    FROM timescaledb_information.chunks
    WHERE hypertable_schema = current_schema() AND hypertable_name = 'scan'
$$;
COMMENT ON FUNCTION scan_days IS 'UTC days that have room for scans';

CREATE FUNCTION drop_scan_day(day date) RETURNS void LANGUAGE sql AS $$
    SELECT drop_chunks('scan', newer_than => day::timestamp AT TIME ZONE 'UTC',
                       older_than => (day + 1)::timestamp AT TIME ZONE 'UTC')
$$;
COMMENT ON FUNCTION drop_scan_day IS 'Give back the room of the scans of one UTC day';
