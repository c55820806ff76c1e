-- Statements on `rollup_LEVEL` are used for each of the four tables.

-- name: state
SELECT (extract(epoch FROM closed_through) * 1000000)::bigint AS closed_through, time_zone FROM rollup_state;

-- name: set_state
INSERT INTO rollup_state (closed_through, time_zone)
VALUES ('epoch'::timestamptz + $1::bigint * interval '1 microsecond', $2)
ON CONFLICT (only_one) DO UPDATE SET closed_through = excluded.closed_through, time_zone = excluded.time_zone;

-- name: read_all
SELECT (r.block * 32 + u.slot - 1)::integer, r.bucket, u.count, u.good_us, u.mean, u.low, u.high, u."start", u.first,
       u.last, u.fall
FROM rollup_LEVEL r
CROSS JOIN LATERAL unnest(r.count, r.good_us, r.mean, r.low, r.high, r."start", r.first, r.last, r.fall)
    WITH ORDINALITY AS u (count, good_us, mean, low, high, "start", first, last, fall, slot)
WHERE r.bucket >= $1::timestamptz AND r.bucket < $2::timestamptz
  AND (u.count > 0 OR u.good_us > 0 OR u."start" <> 'NaN');

-- name: read_blocks
SELECT (r.block * 32 + u.slot - 1)::integer, r.bucket, u.count, u.good_us, u.mean, u.low, u.high, u."start", u.first,
       u.last, u.fall
FROM rollup_LEVEL r
CROSS JOIN LATERAL unnest(r.count, r.good_us, r.mean, r.low, r.high, r."start", r.first, r.last, r.fall)
    WITH ORDINALITY AS u (count, good_us, mean, low, high, "start", first, last, fall, slot)
WHERE r.block = ANY ($3::integer[]) AND r.bucket >= $1::timestamptz AND r.bucket < $2::timestamptz
  AND (u.count > 0 OR u.good_us > 0 OR u."start" <> 'NaN');

-- name: read_point
SELECT $3::integer, r.bucket, r.count[$5::integer], r.good_us[$5::integer], r.mean[$5::integer], r.low[$5::integer],
       r.high[$5::integer], r."start"[$5::integer], r.first[$5::integer], r.last[$5::integer], r.fall[$5::integer]
FROM rollup_LEVEL r
WHERE r.block = $4 AND r.bucket >= $1::timestamptz AND r.bucket < $2::timestamptz
  AND (r.count[$5::integer] > 0 OR r.good_us[$5::integer] > 0 OR r."start"[$5::integer] <> 'NaN');

-- name: forget
DELETE FROM rollup_LEVEL
WHERE bucket >= $1::timestamptz AND bucket < $2::timestamptz AND block = ANY ($3::integer[]);

-- name: forget_all
DELETE FROM rollup_LEVEL;

-- name: oldest
SELECT (extract(epoch FROM min(bucket)) * 1000000)::bigint FROM rollup_LEVEL;

-- name: mark_dirty
-- Of two reasons the later one is told, but nobody is left untold.
INSERT INTO rollup_dirty (hour, block, why, closed_through)
SELECT 'epoch'::timestamptz + u.hour * interval '1 microsecond', u.block, $3::text,
       (SELECT (extract(epoch FROM s.closed_through) * 1000000)::bigint FROM rollup_state s)
FROM unnest($1::bigint[], $2::integer[]) AS u (hour, block)
-- What was let go of cannot be summed up again: figures made of what is left would be wrong.
WHERE NOT EXISTS (
    SELECT FROM cold_day c
    WHERE c.expired_at IS NOT NULL AND c.day = ('epoch'::timestamp + u.hour * interval '1 microsecond')::date
)
ON CONFLICT (hour, block) DO UPDATE SET why = coalesce(excluded.why, rollup_dirty.why),
    closed_through = CASE WHEN excluded.why IS NULL THEN rollup_dirty.closed_through ELSE excluded.closed_through END;

-- name: leave_day
-- Blocks with other hours of a day that wait: the last of them sums the day up, and tells for all.
UPDATE rollup_dirty SET why = coalesce(why, $4::text), closed_through = greatest(closed_through, $5::bigint)
WHERE hour > $1::timestamptz - interval '1 hour' AND hour < $2::timestamptz AND block = ANY ($3::integer[])
RETURNING block;

-- name: dirty_hours
SELECT (extract(epoch FROM hour) * 1000000)::bigint AS hour
FROM rollup_dirty
WHERE block = $1 AND hour >= $2::timestamptz AND hour < $3::timestamptz;

-- name: next_dirty
-- One hour, as many of its blocks as are worth one reading of the hour's scans.
SELECT (extract(epoch FROM hour) * 1000000)::bigint AS hour, block, why, closed_through
FROM rollup_dirty
WHERE hour = (SELECT min(hour) FROM rollup_dirty) AND hour < $1::timestamptz
ORDER BY block
LIMIT $2;

-- name: clean
DELETE FROM rollup_dirty WHERE hour = $1::timestamptz AND block = ANY ($2::integer[]);

-- name: closed_through
SELECT (extract(epoch FROM closed_through) * 1000000)::bigint FROM rollup_state;

-- name: kept_since
-- Since when minutes and quarters are there: what is older was let go of.
SELECT coalesce((extract(epoch FROM minutes_since) * 1000000)::bigint, -9223372036854775808) AS minutes,
       coalesce((extract(epoch FROM quarters_since) * 1000000)::bigint, -9223372036854775808) AS quarters
FROM rollup_state;
