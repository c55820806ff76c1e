-- name: newest_of_sets
-- Of every set its newest scan in a time, found by its index; every point of a set is in each of its scans.
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM point_set p
CROSS JOIN LATERAL (
    SELECT scan.observed_at, scan.recorded_at, scan."values", scan.quality
    FROM scan
    WHERE scan.set_id = p.set_id AND scan.observed_at > $1::timestamptz AND scan.observed_at <= $2::timestamptz
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
WHERE s.set_id IS NULL AND s.observed_at > $1::timestamptz AND s.observed_at <= $2::timestamptz
  AND s.recorded_at <= $3::timestamptz;

-- name: known_points
SELECT coalesce(array_agg(DISTINCT point_id), '{}') FROM point_set_member;
