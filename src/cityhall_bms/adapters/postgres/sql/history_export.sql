-- name: time_zone
-- Local time in the file is that of the building, for this transaction only.
SELECT set_config('timezone', $1, true);

-- name: sets
SELECT coalesce(array_agg(DISTINCT set_id), '{}') FROM point_set_member WHERE point_id = ANY ($1::integer[]);

-- name: seen_again
-- An empty stretch of years costs one look, not one for each of its slices.
SELECT min(observed_at) FROM (
    SELECT found.observed_at
    FROM unnest($4::bigint[]) AS wanted (set_id)
    CROSS JOIN LATERAL (
        SELECT s.observed_at FROM scan s
        WHERE s.set_id = wanted.set_id AND s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
        ORDER BY s.observed_at LIMIT 1
    ) AS found
    UNION ALL
    SELECT min(s.observed_at) FROM scan s
    WHERE s.set_id IS NULL AND s.point_ids && $3::integer[]
      AND s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
) AS next_scans;

-- name: slice
-- The texts of a time are made once per scan and not once per value: they are what costs. Of one point and time the
-- sample that was recorded last stands.
WITH wanted AS (
    SELECT w.point_id, w.name, w.unit, w.place
    FROM unnest($3::integer[], $4::text[], $5::text[]) WITH ORDINALITY AS w (point_id, name, unit, place)
), chosen AS MATERIALIZED (
    SELECT s.set_id, s.point_ids, s.observed_at, s.recorded_at, s."values", s.quality,
           to_char(s.observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM') AS local_time,
           to_char(s.observed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS utc_time,
           (extract(year FROM s.observed_at)::integer - 1911)::text || to_char(s.observed_at, '-MM-DD') AS roc_date
    FROM scan s
    WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
      AND (s.set_id = ANY ($6::bigint[]) OR (s.set_id IS NULL AND s.point_ids && $3::integer[]))
), sampled AS (
    SELECT c.local_time, c.utc_time, c.roc_date, c.observed_at, c.recorded_at, w.place, w.name, w.unit,
           c."values"[m.ordinal] AS value, coalesce(get_byte(c.quality, m.ordinal - 1), 0) AS quality
    FROM chosen c
    JOIN point_set_member m ON m.set_id = c.set_id
    JOIN wanted w ON w.point_id = m.point_id
    UNION ALL
    SELECT c.local_time, c.utc_time, c.roc_date, c.observed_at, c.recorded_at, w.place, w.name, w.unit,
           u.value, coalesce(get_byte(c.quality, u.ordinal::integer - 1), 0)
    FROM chosen c
    CROSS JOIN LATERAL unnest(c.point_ids, c."values") WITH ORDINALITY AS u (point_id, value, ordinal)
    JOIN wanted w ON w.point_id = u.point_id
    WHERE c.set_id IS NULL
)
SELECT DISTINCT ON (observed_at, place) local_time, utc_time, roc_date, name,
       CASE WHEN quality < 128 THEN nullif(value, 'NaN') END AS value,
       unit,
       CASE WHEN quality < 64 THEN 'good' WHEN quality < 128 THEN 'uncertain' ELSE 'bad' END AS severity,
       CASE WHEN quality > 0 THEN nullif(($7::text[])[quality + 1], '') END AS reason,
       NULL AS coverage
FROM sampled
ORDER BY observed_at, place, recorded_at DESC, quality DESC, value DESC;
