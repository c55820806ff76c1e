-- Times are µs UTC.

-- name: untold
-- What no event tells of yet, and the newest of it; whoever writes restatements holds the historian's lock, so that
-- their numbers become visible in order.
SELECT why, min(bucket) AS first, max(bucket_end) AS until,
       count(*) FILTER (WHERE level = '1h')::bigint AS hours, count(*) FILTER (WHERE level = '1d')::bigint AS days,
       count(DISTINCT point_id)::bigint AS points
FROM restatement
WHERE id > $1 AND id <= $2
GROUP BY why
ORDER BY why;

-- name: untold_through
SELECT max(id) FROM (SELECT id FROM restatement WHERE id > $1 ORDER BY id LIMIT $2) AS next;

-- name: covered
SELECT id, restated_at, why, level, bucket, bucket_end, point_id, old_count, new_count, old_good_us, new_good_us,
       old_mean, new_mean, old_delta, new_delta
FROM restatement
WHERE id > $1 AND id <= $2
ORDER BY id;

-- name: examples
SELECT p.name, r.level, r.bucket, r.old_count, r.new_count, r.old_mean, r.new_mean, r.old_delta, r.new_delta
FROM restatement r JOIN point p USING (point_id)
WHERE r.id > $1 AND r.id <= $2 AND r.why = $3
ORDER BY (r.old_count > 0) DESC, abs(coalesce(r.new_delta, 0) - coalesce(r.old_delta, 0)) DESC, r.id
LIMIT $4;

-- name: names
SELECT DISTINCT p.name
FROM restatement r JOIN point p USING (point_id)
WHERE r.id > $1 AND r.id <= $2 AND r.why = $3
ORDER BY p.name
LIMIT $4;

-- name: told
SELECT position, version, through FROM counter_told;

-- name: note_told
UPDATE counter_told SET position = $1, version = $2, through = $3 WHERE position <= $1;

-- name: page
SELECT id, restated_at, why, level, bucket, bucket_end, point_id, old_count, new_count, old_good_us, new_good_us,
       old_mean, new_mean, old_delta, new_delta
FROM restatement
WHERE ($1::integer IS NULL OR point_id = $1)
  AND ($2::bigint IS NULL OR bucket_end > $2) AND ($3::bigint IS NULL OR bucket < $3)
  AND ($4::bigint IS NULL OR id < $4)
ORDER BY id DESC
LIMIT $5;
