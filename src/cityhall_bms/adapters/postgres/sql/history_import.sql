-- name: stretches
SELECT (extract(epoch FROM first) * 1000000)::bigint AS first, (extract(epoch FROM until) * 1000000)::bigint AS until,
       interval_us, finest_us
FROM history_import;

-- name: overlapping
SELECT source, first, until FROM history_import
WHERE source <> $1 AND tstzrange(first, until) && tstzrange($2::timestamptz, $3::timestamptz)
ORDER BY first LIMIT 1;

-- name: sampled
-- One look into the days of the time, none into the others.
SELECT observed_at FROM scan WHERE observed_at >= $1::timestamptz AND observed_at < $2::timestamptz LIMIT 1;

-- name: open
INSERT INTO history_import (source, first, until, interval_us, finest_us)
VALUES ($1, $2::timestamptz, $3::timestamptz, $4, $5)
ON CONFLICT (source) DO NOTHING;

-- name: days_stored
SELECT sequence FROM ingest_progress WHERE source = $1 AND epoch = 0;

-- name: count_samples
UPDATE history_import SET samples = samples + $2 WHERE source = $1;

-- name: samples_stored
SELECT samples FROM history_import WHERE source = $1;

-- name: note_change
-- The position is that of the telemetry log, which a file has nothing to do with.
UPDATE ingest_position SET version = version + 1 RETURNING version;
