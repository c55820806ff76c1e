-- name: newest_of_sets
-- Of every set its newest scan in a time, found by its index; every point of a set is in each of its scans.
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM point_set p
CROSS JOIN LATERAL (
    SELECT scan.observed_at, scan.recorded_at, scan."values", scan.quality
    FROM scan
    WHERE scan.set_id = p.set_id AND scan.observed_at >= $1::timestamptz AND scan.observed_at < $2::timestamptz
      AND scan.recorded_at <= $3::timestamptz
    ORDER BY scan.observed_at DESC, scan.recorded_at DESC
    LIMIT 1
) AS s
CROSS JOIN LATERAL unnest(p.point_ids, s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE p.point_ids && $4::integer[]
UNION ALL
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint
FROM scan s
CROSS JOIN LATERAL unnest(s.point_ids, s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.set_id IS NULL AND s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
  AND s.recorded_at <= $3::timestamptz;

-- name: known_points
SELECT coalesce(array_agg(DISTINCT point_id), '{}') FROM point_set_member;

-- name: cold_scans
-- When the points of some sets, or of all, were read on some days: packed.
SELECT set_id, day, times FROM cold_scan
WHERE day >= $1::date AND day <= $2::date AND ($3::bigint[] IS NULL OR set_id = ANY ($3::bigint[]));

-- name: cold_values
SELECT p.point_id, p.set_id, p.data
FROM unnest($1::bigint[], $2::date[]) AS w (set_id, day)
JOIN cold_point p ON p.day = w.day AND p.set_id = w.set_id;

-- name: cold_chance
-- Samples of chance selections, packed with their times.
SELECT point_id, data FROM cold_point
WHERE day >= $1::date AND day <= $2::date AND set_id = 0
  AND ($3::integer[] IS NULL OR point_id = ANY ($3::integer[]));
