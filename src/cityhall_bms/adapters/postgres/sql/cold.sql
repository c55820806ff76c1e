-- name: points
-- Cold rows of a window of days; all points where none is named.
SELECT point_id, set_id, day, samples, data
FROM cold_point
WHERE day >= $1::date AND day <= $2::date AND ($3::integer[] IS NULL OR point_id = ANY ($3::integer[]));

-- name: blocks
SELECT point_id, set_id, day, samples, data
FROM cold_point
WHERE day >= $1::date AND day <= $2::date AND point_id / 32 = ANY ($3::integer[]);

-- name: times
SELECT c.set_id, c.day, c.times
FROM unnest($1::bigint[], $2::date[]) AS u (set_id, day)
JOIN cold_scan c ON c.set_id = u.set_id AND c.day = u.day;

-- name: days_of_point
SELECT day, sum(samples)::bigint AS samples
FROM cold_point
WHERE point_id = $1 AND day >= $2::date AND day <= $3::date
GROUP BY day
ORDER BY day;

-- name: touch
-- Scans come for days that are packed, or are being packed: they must be packed again.
UPDATE cold_day SET touched = true WHERE day = ANY ($1::date[]) AND NOT touched;

-- name: next_day
-- Oldest day before $1 that has scans outside of the cold form.
SELECT d.day
FROM scan_days() AS d (day)
LEFT JOIN cold_day c ON c.day = d.day
WHERE d.day < $1::date AND (c.day IS NULL OR c.touched OR c.packed_at IS NULL)
ORDER BY d.day
LIMIT 1;

-- name: begin
INSERT INTO cold_day (day) VALUES ($1) ON CONFLICT (day) DO UPDATE SET touched = false, packed_at = NULL, archived_at = NULL;

-- name: sets_of_day
SELECT DISTINCT s.set_id, cardinality(p.point_ids) AS points
FROM scan s
JOIN point_set p ON p.set_id = s.set_id
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
ORDER BY s.set_id;

-- name: count_of_set
SELECT count(*) FROM scan WHERE set_id = $1 AND observed_at >= $2::timestamptz AND observed_at < $3::timestamptz;

-- name: scans_of_set
-- Some of the columns of a set's scans: points $4 to $5; a row without quality is good throughout.
SELECT observed_at, recorded_at, "values"[$4::integer:$5::integer],
       coalesce(substring(quality FROM $4::integer FOR $5::integer - $4::integer + 1), $6::bytea)
FROM scan
WHERE set_id = $1 AND observed_at >= $2::timestamptz AND observed_at < $3::timestamptz
ORDER BY observed_at, recorded_at;

-- name: points_of_set
SELECT point_ids FROM point_set WHERE set_id = $1;

-- name: chance_blocks
-- Blocks of points that chance selections of a day hold.
SELECT DISTINCT u.point / 32 AS block
FROM scan s
CROSS JOIN LATERAL unnest(s.point_ids) AS u (point)
WHERE s.set_id IS NULL AND s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
ORDER BY 1;

-- name: chance_samples
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM scan s
CROSS JOIN LATERAL unnest(s.point_ids, s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.set_id IS NULL AND s.point_ids && $3::integer[] AND u.point = ANY ($3::integer[])
  AND s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz;

-- name: keep_times
INSERT INTO cold_scan (set_id, day, scans, times) VALUES ($1, $2, $3, $4)
ON CONFLICT (set_id, day) DO UPDATE SET scans = excluded.scans, times = excluded.times;

-- name: keep_points
INSERT INTO cold_point (point_id, day, set_id, samples, data)
SELECT u.point_id, $1, $2, u.samples, u.data
FROM unnest($3::integer[], $4::integer[], $5::bytea[]) AS u (point_id, samples, data)
ON CONFLICT (point_id, day, set_id) DO UPDATE SET samples = excluded.samples, data = excluded.data;

-- name: finish
UPDATE cold_day SET packed_at = 'epoch'::timestamptz + $2::bigint * interval '1 microsecond', emptied_at = NULL
WHERE day = $1 AND NOT touched
RETURNING day;

-- name: to_empty
SELECT c.day
FROM cold_day c
JOIN scan_days() AS d (day) ON d.day = c.day
WHERE NOT c.touched AND c.packed_at < 'epoch'::timestamptz + $1::bigint * interval '1 microsecond'
  AND c.day <> ALL ($2::date[])
ORDER BY c.day
LIMIT 1;

-- name: empty
UPDATE cold_day SET emptied_at = 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'
WHERE day = $1 AND NOT touched AND packed_at IS NOT NULL
RETURNING day;

-- name: drop_day
SELECT drop_scan_day($1);

-- name: note_change
UPDATE ingest_position SET version = version + 1;

-- name: summed_up_to
-- Everything before this day is in the rollups, late samples too.
SELECT least(
    (SELECT (closed_through AT TIME ZONE 'UTC')::date FROM rollup_state),
    (SELECT (min(hour) AT TIME ZONE 'UTC')::date FROM rollup_dirty)
) - 1;

-- name: expire_points
-- Samples of some points, or of all others, up to a day; only days that are packed, and in the archive if that is asked.
DELETE FROM cold_point p
USING cold_day d
WHERE d.day = p.day AND d.day < $1::date AND d.packed_at IS NOT NULL AND NOT d.touched AND d.emptied_at IS NOT NULL
  AND (NOT $2::boolean OR d.archived_at IS NOT NULL)
  AND (p.point_id = ANY ($3::integer[])) = $4::boolean;

-- name: points_expire
-- Whether expire_points would take anything.
SELECT EXISTS (
    SELECT FROM cold_point p JOIN cold_day d ON d.day = p.day
    WHERE d.day < $1::date AND d.packed_at IS NOT NULL AND NOT d.touched AND d.emptied_at IS NOT NULL
      AND (NOT $2::boolean OR d.archived_at IS NOT NULL)
      AND (p.point_id = ANY ($3::integer[])) = $4::boolean
);

-- name: note_expired
UPDATE cold_day d SET expired_at = 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'
WHERE d.day < $1::date AND d.packed_at IS NOT NULL AND NOT d.touched AND d.emptied_at IS NOT NULL
  AND (NOT $3::boolean OR d.archived_at IS NOT NULL) AND d.expired_at IS NULL;

-- name: expire_times
DELETE FROM cold_scan s
WHERE s.day < $1::date
  AND NOT EXISTS (SELECT FROM cold_point p WHERE p.day = s.day AND p.set_id = s.set_id);

-- name: expire_minutes
DELETE FROM rollup_1m WHERE bucket < $1::date::timestamp AT TIME ZONE 'UTC';

-- name: expire_quarters
DELETE FROM rollup_15m WHERE bucket < $1::date::timestamp AT TIME ZONE 'UTC';

-- name: to_archive
-- Packed days that are still whole. Whether one is in an archive, the archive knows.
SELECT day, packed_at, archived_at IS NOT NULL AS noted
FROM cold_day
WHERE expired_at IS NULL AND packed_at IS NOT NULL AND NOT touched
ORDER BY day;

-- name: packed_at
SELECT packed_at FROM cold_day WHERE day = $1;

-- name: points_of_day
SELECT DISTINCT point_id FROM cold_point WHERE day = $1 ORDER BY point_id;

-- name: names
SELECT point_id, name FROM point;

-- name: archived
-- Only what was read is archived: a day that was packed again meanwhile is read again.
UPDATE cold_day SET archived_at = 'epoch'::timestamptz + $3::bigint * interval '1 microsecond'
WHERE day = $1 AND packed_at = $2::timestamptz AND NOT touched;

-- name: note_minutes
UPDATE rollup_state SET minutes_since = greatest(minutes_since, $1::date::timestamp AT TIME ZONE 'UTC');

-- name: note_quarters
UPDATE rollup_state SET quarters_since = greatest(quarters_since, $1::date::timestamp AT TIME ZONE 'UTC');
