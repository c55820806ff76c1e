-- Statements on `rollup_LEVEL` are used for each of the four tables.

-- name: by_index
-- Rows of a few blocks lie apart: the server must not take that for a reason to read all of them.
SET LOCAL random_page_cost = 1.1;

-- name: recorded_later
-- Hours (of UTC, µs) of a time in which samples of some points lie that were recorded after $4. The sets are given, so
-- that the days outside of the window are never opened.
SELECT DISTINCT (floor(extract(epoch FROM s.observed_at) / 3600) * 3600000000)::bigint AS hour
FROM scan s
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz AND s.recorded_at > $4::timestamptz
  AND (s.set_id = ANY ($5::bigint[]) OR (s.set_id IS NULL AND s.point_ids && $3::integer[]))
ORDER BY 1;

-- name: sets_of
SELECT coalesce(array_agg(DISTINCT set_id), '{}') FROM point_set_member WHERE point_id = ANY ($1::integer[]);

-- name: dirty_hours
SELECT DISTINCT (extract(epoch FROM hour) * 1000000)::bigint AS hour
FROM rollup_dirty
WHERE block = ANY ($1::integer[]) AND hour >= $2::timestamptz AND hour < $3::timestamptz
ORDER BY 1;

-- name: slow_points
-- Some points whose scans are further apart than $1 µs, by the descriptions that were in force at $3.
SELECT p.point_id, ((described.description ->> 'scan_s')::double precision * 1000000)::bigint AS interval_us
FROM point p
CROSS JOIN LATERAL (
    SELECT coalesce(
        (SELECT past.description FROM point_past past
         WHERE past.point_id = p.point_id AND past.until > $3::timestamptz ORDER BY past.until LIMIT 1),
        p.description
    ) AS description
) AS described
WHERE p.point_id = ANY ($2::integer[])
  AND (described.description ->> 'scan_s')::double precision * 1000000 > $1::bigint;

-- name: read_points
-- What is taken out of the arrays is what costs: no figure that is not needed, and no test that the reader can make.
SELECT w.point, r.bucket, COLUMNS
FROM rollup_LEVEL r
JOIN unnest($3::integer[], $4::integer[], $5::integer[]) AS w (point, block, slot) ON w.block = r.block
WHERE r.block = ANY ($6::integer[]) AND r.bucket >= $1::timestamptz AND r.bucket < $2::timestamptz;
