-- name: add_set
INSERT INTO demand_set (set_id, point_ids) VALUES ($1, $2) ON CONFLICT (set_id) DO NOTHING;

-- name: add
INSERT INTO demand_day (day, set_id, value, quarter, good_us)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (day) DO UPDATE SET set_id = excluded.set_id, value = excluded.value, quarter = excluded.quarter,
    good_us = excluded.good_us;

-- name: forget
-- Days in a window of which something was summed up anew: the points of some blocks.
DELETE FROM demand_day d
WHERE d.day >= $1::timestamptz AND d.day < $2::timestamptz AND EXISTS (
    SELECT FROM demand_set s, unnest(s.point_ids) AS u (point)
    WHERE s.set_id = d.set_id AND u.point / 32 = ANY ($3::integer[])
);

-- name: forget_all
DELETE FROM demand_day;

-- name: days
SELECT (extract(epoch FROM day) * 1000000)::bigint AS day FROM demand_day ORDER BY 1;

-- name: oldest
-- Block by block, so that each is one look at the index.
SELECT min((
    SELECT (extract(epoch FROM r.bucket) * 1000000)::bigint FROM rollup_1d r WHERE r.block = b.block
    ORDER BY r.bucket LIMIT 1
))
FROM unnest($1::integer[]) AS b (block);

-- name: sets
SELECT s.set_id, s.point_ids
FROM demand_set s
WHERE EXISTS (
    SELECT FROM demand_day d WHERE d.set_id = s.set_id AND d.day >= $1::timestamptz AND d.day < $2::timestamptz
);

-- name: read
SELECT day, value, quarter, good_us
FROM demand_day
WHERE set_id = $1 AND day >= $2::timestamptz AND day < $3::timestamptz
ORDER BY day;
