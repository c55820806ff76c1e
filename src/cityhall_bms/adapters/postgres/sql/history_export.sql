-- name: cold_sample
-- Samples of the slice that no longer lie in table scan, for those who read a slice.
CREATE TEMPORARY TABLE cold_sample (
    point_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL
);

-- name: forget_cold
DELETE FROM cold_sample;

-- name: cold_held
SELECT coalesce(array_agg(DISTINCT point_id), '{}') FROM cold_point
WHERE day >= $1::date AND day <= $2::date AND point_id = ANY ($3::integer[]);

-- name: cold_expected
SELECT day, sum(samples)::bigint AS samples FROM cold_point
WHERE day >= $1::date AND day <= $2::date AND point_id = ANY ($3::integer[])
GROUP BY day;

-- name: cold_seen_again
SELECT min(day) FROM cold_point WHERE day >= $1::date AND day <= $2::date AND point_id = ANY ($3::integer[]);

-- name: prepare
-- Local time in the file is that of the building; what a slice gives is sorted in memory.
SELECT set_config('timezone', $1, false), set_config('work_mem', '128MB', false);

-- name: sets
-- Sets that hold some of the points, and how many of them.
SELECT set_id, count(*) AS points FROM point_set_member WHERE point_id = ANY ($1::integer[]) GROUP BY set_id;

-- name: expected
-- How many rows a slice gives at most, from the index alone.
SELECT coalesce(sum(u.points), 0)::bigint + (
    SELECT coalesce(sum(cardinality(s.point_ids)), 0) FROM scan s
    WHERE s.set_id IS NULL AND s.point_ids && $3::integer[]
      AND s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
)
FROM unnest($4::bigint[], $5::bigint[]) AS u (set_id, points)
JOIN scan s ON s.set_id = u.set_id
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz;

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
-- Every sample of some points in a slice of time that was recorded by $5, as the other statements here read it. The
-- texts of a time are made once per scan and not once per value: they are what costs.
WITH wanted AS (
    SELECT w.point_id, w.place {cells}
), chosen AS MATERIALIZED (
    SELECT s.set_id, s.point_ids, s.observed_at, s.recorded_at, s."values", s.quality {texts}
    FROM scan s
    WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz AND s.recorded_at <= $5::timestamptz
      AND (s.set_id = ANY ($4::bigint[]) OR (s.set_id IS NULL AND s.point_ids && $3::integer[]))
), sampled AS (
    SELECT {ours} c.observed_at, c.recorded_at, w.place,
           c."values"[m.ordinal] AS value, coalesce(get_byte(c.quality, m.ordinal - 1), 0) AS quality
    FROM chosen c
    JOIN point_set_member m ON m.set_id = c.set_id
    JOIN wanted w ON w.point_id = m.point_id
    UNION ALL
    SELECT {ours} c.observed_at, c.recorded_at, w.place,
           u.value, coalesce(get_byte(c.quality, u.ordinal::integer - 1), 0)
    FROM chosen c
    CROSS JOIN LATERAL unnest(c.point_ids, c."values") WITH ORDINALITY AS u (point_id, value, ordinal)
    JOIN wanted w ON w.point_id = u.point_id
    WHERE c.set_id IS NULL
    UNION ALL
    SELECT {ours} c.observed_at, c.recorded_at, w.place, c.value, c.quality
    FROM (SELECT s.* {texts} FROM cold_sample s WHERE s.recorded_at <= $5::timestamptz) AS c
    JOIN wanted w ON w.point_id = c.point_id
)

-- name: times
, to_char(s.observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM,')
  || to_char(s.observed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z,"')
  || (extract(year FROM s.observed_at)::integer - 1911)::text || to_char(s.observed_at, '-MM-DD,') AS times

-- name: wanted_cells
, w.head, w.tail FROM unnest($3::integer[], $6::text[], $7::text[]) WITH ORDINALITY AS w (point_id, head, tail, place)

-- name: wanted_points
FROM unnest($3::integer[]) WITH ORDINALITY AS w (point_id, place)

-- name: as_lines
-- A whole line is one text. Of one point and time the sample that was recorded last stands.
SELECT DISTINCT ON (observed_at, place)
       times || head || CASE WHEN quality < 128 AND value <> 'NaN' THEN value::text ELSE '' END
       || tail || ($8::text[])[quality + 1]
FROM sampled
ORDER BY observed_at, place, recorded_at DESC, quality DESC, value DESC;

-- name: as_columns
SELECT DISTINCT ON (observed_at, place) observed_at, place::integer, value, quality::smallint
FROM sampled
ORDER BY observed_at, place, recorded_at DESC, quality DESC, value DESC;

-- name: counts
-- Right where nothing was recorded again, and then in half the time.
SELECT place::integer, count(*) FILTER (WHERE quality < 64), count(*) FILTER (WHERE quality >= 64 AND quality < 128),
       count(*) FILTER (WHERE quality >= 128)
FROM sampled
GROUP BY place;

-- name: counts_standing
SELECT place::integer, count(*) FILTER (WHERE quality < 64), count(*) FILTER (WHERE quality >= 64 AND quality < 128),
       count(*) FILTER (WHERE quality >= 128)
FROM (
    SELECT DISTINCT ON (observed_at, place) place, quality FROM sampled
    ORDER BY observed_at, place, recorded_at DESC, quality DESC, value DESC
) AS standing
GROUP BY place;
