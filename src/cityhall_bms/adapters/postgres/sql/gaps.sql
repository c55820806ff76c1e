-- name: store
INSERT INTO gap (source, device, cause, since, point_ids, until, polls, epoch, reported_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (source, device, cause, since, points_key) DO UPDATE
SET until = excluded.until, polls = excluded.polls, epoch = excluded.epoch, reported_at = excluded.reported_at
-- The last report counts also when the clock was set back since the one before.
-- A gap that is sealed stays as it is.
WHERE gap.sealed_on IS NULL
  AND (gap.reported_at <= excluded.reported_at OR (gap.until IS NULL AND excluded.until IS NOT NULL));

-- name: end_former_life
-- What an earlier life of a collector left open ends where that life ended: nobody polled after it.
UPDATE gap SET until = greatest(since, reported_at)
WHERE source = $1 AND epoch < $2 AND until IS NULL;

-- name: log_loss
INSERT INTO gap (source, device, cause, since, point_ids, until, polls, epoch, reported_at)
SELECT source, '', 'log_loss', coalesce(since, until, $5), '{}', coalesce(until, since, $5), last - first + 1, epoch, $5
FROM ingest_gap WHERE source = $1 AND epoch = $2 AND first = $3 AND last = $4
ON CONFLICT DO NOTHING;

-- name: page
SELECT source, device, cause, since, point_ids, until, polls, points_key
FROM gap
WHERE ($1::text IS NULL OR device = $1)
  AND ($2::text IS NULL OR cause = $2)
  AND ($3::integer IS NULL OR point_ids @> ARRAY[$3] OR (device = ANY ($4::text[]) AND point_ids = '{}'))
  AND ($5::bigint IS NULL OR coalesce(until, 9223372036854775807) > $5)
  AND ($6::bigint IS NULL OR since < $6)
  AND (NOT $7::boolean OR until IS NULL)
  AND ($8::bigint IS NULL
       OR (-since, source, device, cause, points_key) > (-$8::bigint, $9::text, $10::text, $11::text, $12::bigint))
ORDER BY since DESC, source, device, cause, points_key
LIMIT $13;

-- name: mark
-- Every gap that is over is sealed once.
UPDATE gap SET sealed_on = $1 WHERE sealed_on IS NULL AND until IS NOT NULL;

-- name: sealed
SELECT source, device, cause, since, point_ids, until, polls FROM gap WHERE sealed_on = $1
ORDER BY source COLLATE "C", device COLLATE "C", cause COLLATE "C", since, point_ids;
