-- Times of which history was imported (docs/adr/0021-imported-history.md).

CREATE TABLE history_import (
    source text PRIMARY KEY,                -- as in ingest_progress: import:<digest>
    first timestamptz NOT NULL,
    until timestamptz NOT NULL,
    interval_us bigint NOT NULL CHECK (interval_us > 0),
    finest_us bigint NOT NULL,              -- rollups of shorter buckets are not stored of this time
    samples bigint NOT NULL DEFAULT 0,      -- stored so far
    EXCLUDE USING gist (tstzrange(first, until) WITH &&)
);
COMMENT ON TABLE history_import IS 'Imported times: how long their values hold, and which rollups are stored';
