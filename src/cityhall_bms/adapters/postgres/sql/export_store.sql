-- name: settle
-- Whoever stores scans holds lock 7303: what was stored before is visible now, and whoever stores later finds the time
-- and records later than that.
INSERT INTO known_through (at) VALUES ($1)
ON CONFLICT (only_one) DO UPDATE SET at = greatest(known_through.at, excluded.at);

-- name: state_of_history
-- Nothing was exported yet: the year 1 is before every time that is kept.
SELECT version, coalesce((SELECT at FROM known_through), -62135596800000001) AS known_through FROM ingest_position;

-- name: enter
INSERT INTO export (id, kind, actor, asked_at, query, context, state) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: get
SELECT * FROM export WHERE id = $1;

-- name: page
-- Without the manifests, which may be long: an empty text stands for one that is there.
SELECT id, kind, actor, asked_at, query, context, state, done_through, rows, bytes, sha256, reason,
       left(manifest, 0) AS manifest, ended_at
FROM export WHERE $2::text IS NULL OR id < $2 ORDER BY id DESC LIMIT $1;

-- name: open_jobs
SELECT * FROM export WHERE kind = 'job' AND state IN ('waiting', 'running') ORDER BY id;

-- name: cut_off
SELECT * FROM export WHERE kind <> 'job' AND state IN ('waiting', 'running') AND asked_at < $1 ORDER BY id;

-- name: with_file
SELECT * FROM export WHERE kind = 'job' AND state = 'done' AND ended_at < $1 ORDER BY id;

-- name: start
UPDATE export SET state = 'running' WHERE id = $1 AND state IN ('waiting', 'running');

-- name: advance
UPDATE export SET done_through = $2, rows = $3, bytes = $4 WHERE id = $1 AND state = 'running';

-- name: keep_manifest
UPDATE export SET manifest = $2, sha256 = $3, rows = $4, bytes = $5 WHERE id = $1;

-- name: end
UPDATE export SET state = $2, ended_at = $3, reason = $4 WHERE id = $1 AND state IN ('waiting', 'running');

-- name: remove
UPDATE export SET state = 'removed' WHERE id = $1 AND state = 'done';

-- name: only_one
-- One job at a time on a database, whoever makes it; the lock goes with the connection.
SELECT pg_try_advisory_lock(7306);

-- name: end_of_log
SELECT coalesce(max(position), 0) FROM event;

-- name: entry
SELECT recorded_at, encode(hash, 'hex') AS hash FROM event WHERE position = $1;

-- name: restated
SELECT position, recorded_at, type, payload FROM event
WHERE stream COLLATE "C" >= 'restatement/' AND stream COLLATE "C" < 'restatement0' AND recorded_at <= $1
ORDER BY position;

-- name: figures_restated_in_all
SELECT count(*) FROM restatement
WHERE restated_at <= $1 AND bucket < $3 AND bucket_end > $2 AND point_id = ANY ($4::integer[]);

-- name: figures_restated
SELECT id, restated_at, why, level, bucket, bucket_end, point_id, old_count, new_count, nullif(old_mean, 'NaN') AS old_mean,
       nullif(new_mean, 'NaN') AS new_mean, nullif(old_delta, 'NaN') AS old_delta, nullif(new_delta, 'NaN') AS new_delta
FROM restatement
WHERE restated_at <= $1 AND bucket < $3 AND bucket_end > $2 AND point_id = ANY ($4::integer[])
ORDER BY id
LIMIT $5;

-- name: gaps_of_points
SELECT device, cause, since, point_ids, until, polls FROM gap
WHERE since < $2 AND coalesce(until, 9223372036854775807) > $1
  AND (point_ids && $3::integer[] OR (point_ids = '{}' AND device = ANY ($4::text[])))
ORDER BY since, device, cause;
