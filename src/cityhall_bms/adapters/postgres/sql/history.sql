-- name: lock
-- One historian at a time; a second one waits here, and then finds what the first has stored.
SELECT pg_advisory_xact_lock(7303);

-- name: create_days
SELECT create_history_day(day) FROM unnest($1::date[]) AS day;

-- name: position
SELECT position, version FROM ingest_position;

-- name: progress
SELECT source, epoch, sequence FROM ingest_progress;

-- name: newest_runs
SELECT DISTINCT ON (source) source, epoch, sequence FROM ingest_progress ORDER BY source, epoch DESC;

-- name: gaps
SELECT source, epoch, first, last FROM ingest_gap;

-- name: move_position
UPDATE ingest_position SET position = $1, version = version + 1 RETURNING version;

-- name: move_progress
INSERT INTO ingest_progress (source, epoch, sequence)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
ON CONFLICT (source, epoch) DO UPDATE SET sequence = excluded.sequence;

-- name: close_gap
DELETE FROM ingest_gap WHERE source = $1 AND epoch = $2 AND first = $3 RETURNING found_at, reported, since, until;

-- name: open_gap
INSERT INTO ingest_gap (source, epoch, first, last, found_at, reported, since, until)
VALUES ($1, $2, $3, $4, coalesce($5, 'epoch'::timestamptz + $6::bigint * interval '1 microsecond'), $7, $8, $9);

-- name: gaps_due
SELECT source, epoch, first, last,
       (SELECT coalesce(sum(p.losses), 0) FROM ingest_progress p WHERE p.source = g.source)::integer AS losses
FROM ingest_gap g
WHERE NOT reported AND found_at <= 'epoch'::timestamptz + $1::bigint * interval '1 microsecond'
ORDER BY found_at, source, epoch, first
LIMIT 1;

-- name: gap_reported
UPDATE ingest_gap SET reported = true WHERE source = $1 AND epoch = $2 AND first = $3 AND last = $4 AND NOT reported;

-- name: count_loss
UPDATE ingest_progress SET losses = losses + 1 WHERE source = $1 AND epoch = $2;

-- name: sets
SELECT set_id, point_ids FROM point_set;

-- name: add_set
INSERT INTO point_set (set_id, point_ids) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: add_members
INSERT INTO point_set_member (point_id, set_id, ordinal)
SELECT point_id, $1, ordinal FROM unnest($2::integer[]) WITH ORDINALITY AS u (point_id, ordinal)
ON CONFLICT DO NOTHING;

-- name: latest
SELECT (u.slot - 1 + l.block * 256)::integer AS point, u.observed_at, u.recorded_at, u.value, u.quality
FROM latest l
CROSS JOIN LATERAL unnest(l.observed_at, l.recorded_at, l.value, l.quality)
    WITH ORDINALITY AS u (observed_at, recorded_at, value, quality, slot)
WHERE u.observed_at > $1::bigint
ORDER BY 1;

-- name: forget_latest
DELETE FROM latest WHERE block = ANY ($1::integer[]);

-- name: samples
-- The sets of a point are few, and each is read in order of time by its index. Members are chosen first, so that the
-- days outside of the window are never opened. Of one time the sample that was recorded last, by $4, stands.
SELECT DISTINCT ON (p.observed_at) p.point, p.observed_at, p.recorded_at, p.value, p.quality
FROM (
    SELECT m.point_id AS point, s.observed_at, s.recorded_at, s."values"[m.ordinal] AS value,
           coalesce(get_byte(s.quality, m.ordinal - 1), 0)::smallint AS quality
    FROM point_set_member m
    JOIN scan s ON s.set_id = m.set_id
    WHERE m.point_id = $1 AND s.observed_at >= $2::timestamptz AND s.observed_at < $3::timestamptz
      AND s.recorded_at <= $4::timestamptz
    UNION ALL
    SELECT u.point, s.observed_at, s.recorded_at, u.value,
           coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint
    FROM scan s
    CROSS JOIN LATERAL unnest(s.point_ids, s."values") WITH ORDINALITY AS u (point, value, ordinal)
    WHERE s.set_id IS NULL AND s.point_ids @> ARRAY[$1::integer] AND u.point = $1
      AND s.observed_at >= $2::timestamptz AND s.observed_at < $3::timestamptz AND s.recorded_at <= $4::timestamptz
) p
ORDER BY p.observed_at, p.recorded_at DESC, p.quality DESC, p.value DESC
LIMIT $5;

-- name: samples_of_blocks
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM scan s
LEFT JOIN point_set p ON p.set_id = s.set_id
CROSS JOIN LATERAL unnest(coalesce(s.point_ids, p.point_ids), s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
  AND s.recorded_at <= $3::timestamptz
  AND (s.set_id IS NULL OR s.set_id IN (SELECT m.set_id FROM point_set_member m WHERE m.point_id / 32 = ANY ($4::integer[])))
  AND u.point / 32 = ANY ($4::integer[]);

-- name: samples_of_points
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM scan s
LEFT JOIN point_set p ON p.set_id = s.set_id
CROSS JOIN LATERAL unnest(coalesce(s.point_ids, p.point_ids), s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
  AND s.recorded_at <= $3::timestamptz
  AND (s.set_id IS NULL OR s.set_id IN (SELECT m.set_id FROM point_set_member m WHERE m.point_id = ANY ($4::integer[])))
  AND u.point = ANY ($4::integer[]);

-- name: members
-- Sets with some points: the points and their places in scans.
SELECT set_id, array_agg(point_id ORDER BY ordinal) AS points, array_agg(ordinal ORDER BY ordinal)::integer[] AS ordinals
FROM point_set_member
WHERE point_id = ANY ($1::integer[])
GROUP BY set_id
ORDER BY set_id;

-- name: some_of_set
-- Some values of each scan of a set; $5: quality of a scan that is good throughout. Out-of-line values are fetched once.
SELECT s.observed_at, s.recorded_at, ARRAY[{values}], CASE WHEN s.marks IS NULL THEN $5::bytea ELSE {quality} END
FROM (
    SELECT observed_at, recorded_at, "values"[{first}:{last}] AS part,
           substring(quality FROM {first} FOR {last} - {first} + 1) AS marks
    FROM scan
    WHERE set_id = $1 AND observed_at >= $2::timestamptz AND observed_at < $3::timestamptz
      AND recorded_at <= $4::timestamptz
    OFFSET 0
) s;

-- name: lone_samples_of_points
-- Samples of some points in chance selections.
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM scan s
CROSS JOIN LATERAL unnest(s.point_ids, s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
  AND s.recorded_at <= $3::timestamptz
  AND s.set_id IS NULL AND s.point_ids && $4::integer[] AND u.point = ANY ($4::integer[]);

-- name: slow_points
-- Points whose scans are further apart than $1 µs, or one of them.
SELECT point_id, ((description ->> 'scan_s')::double precision * 1000000)::bigint AS interval_us
FROM point
WHERE ($2::integer IS NULL OR point_id = $2)
  AND (description ->> 'scan_s')::double precision * 1000000 > $1::bigint;

-- name: samples_of_all
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM scan s
LEFT JOIN point_set p ON p.set_id = s.set_id
CROSS JOIN LATERAL unnest(coalesce(s.point_ids, p.point_ids), s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
  AND s.recorded_at <= $3::timestamptz;
