-- name: first_event_at
SELECT recorded_at FROM event ORDER BY position LIMIT 1;

-- name: last_event_before
-- From the newest on: times never go back in the log, and the answer is seldom far.
SELECT position, hash FROM event WHERE recorded_at < $1 ORDER BY position DESC LIMIT 1;

-- name: events
SELECT position, recorded_at, stream, version, type, actor, payload::text AS payload, prev_hash, hash
FROM event WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3;

-- name: last_event
SELECT position, hash FROM event ORDER BY position DESC LIMIT 1;

-- name: hash_of_event
SELECT hash FROM event WHERE position = $1;

-- name: signed_days
SELECT position, type, payload::text AS payload FROM event WHERE stream COLLATE "C" = $1 ORDER BY version;

-- name: hash_of_seal
SELECT s.hash FROM batch_seal s JOIN batch_chain c ON c.chain = s.chain WHERE c.source = $1 AND s.number = $2;

-- name: chains
SELECT chain, source, number, hash FROM batch_chain ORDER BY source;

-- name: seals
SELECT number, epoch, sequence, recorded_at, first, last, samples, digest, hash
FROM batch_seal WHERE chain = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT $4;

-- name: progress
SELECT source, epoch, sequence FROM ingest_progress;

-- name: sealed_since
SELECT recorded_at FROM sealed_since;

-- name: sets
SELECT set_id, point_ids FROM point_set ORDER BY set_id;

-- name: stray_member
-- A place in a set that only one of the two tables has.
WITH listed AS (
    SELECT p.set_id, u.point_id, u.ordinal::integer AS ordinal
    FROM point_set p CROSS JOIN LATERAL unnest(p.point_ids) WITH ORDINALITY AS u (point_id, ordinal)
), stray AS (
    (SELECT set_id, point_id, ordinal FROM point_set_member EXCEPT SELECT set_id, point_id, ordinal FROM listed)
    UNION ALL
    (SELECT set_id, point_id, ordinal FROM listed EXCEPT SELECT set_id, point_id, ordinal FROM point_set_member)
)
SELECT set_id FROM stray ORDER BY set_id LIMIT 1;

-- name: days
-- UTC days (since 1970) that hold scans in either form, or should.
SELECT (day - DATE '1970-01-01')::bigint AS day FROM scan_days() AS d (day)
UNION SELECT (day - DATE '1970-01-01')::bigint FROM cold_day
UNION SELECT floor(first / 86400000000.0)::bigint FROM batch_seal WHERE samples > 0
UNION SELECT floor(last / 86400000000.0)::bigint FROM batch_seal WHERE samples > 0
-- Times that no clock of ours should give have no days of their own.
UNION SELECT floor(extract(epoch FROM observed_at) / 86400)::bigint FROM scan
      WHERE (observed_at < '2000-01-01 00:00+00' OR observed_at >= '2100-01-01 00:00+00') AND isfinite(observed_at)
ORDER BY 1;

-- name: cold_days
SELECT (day - DATE '1970-01-01')::bigint AS day FROM cold_day
WHERE day >= DATE '1970-01-01' + floor($1::bigint / 86400000000.0)::integer
  AND day <= DATE '1970-01-01' + floor(($2::bigint - 1) / 86400000000.0)::integer
ORDER BY 1;

-- name: let_go_before
-- UTC day (since 1970) before which samples may have gone, as the event log says; none while all are kept.
SELECT (max(payload ->> 'before')::date - DATE '1970-01-01')::bigint FROM event WHERE stream COLLATE "C" = $1;

-- name: seals_beginning
-- Of several seals of one time the one with the most samples counts: it was made last.
SELECT s.recorded_at, s.first, s.last, s.samples, s.digest, c.source, s.number, s.epoch, s.sequence
FROM batch_seal s
JOIN batch_chain c ON c.chain = s.chain
WHERE s.first >= $1::bigint AND s.first < $2::bigint
  AND NOT EXISTS (SELECT FROM batch_seal o WHERE o.recorded_at = s.recorded_at AND o.samples > s.samples);

-- name: seals_across
SELECT s.recorded_at FROM batch_seal s WHERE s.first < $1::bigint AND s.last >= $1::bigint AND s.samples > 0;

-- name: seal_of
SELECT s.recorded_at, s.first, s.last, s.samples, s.digest, c.source, s.number, s.epoch, s.sequence
FROM batch_seal s
JOIN batch_chain c ON c.chain = s.chain
WHERE s.recorded_at = $1::bigint
ORDER BY s.samples DESC, s.chain, s.number
LIMIT 1;

-- name: samples
-- Every sample there is, whatever somebody may have done to the row: no NULL, no length that does not fit.
SELECT coalesce(u.point, -1), s.observed_at, s.recorded_at, coalesce(u.value, 'NaN'),
       CASE WHEN s.quality IS NULL THEN 0
            WHEN u.ordinal <= octet_length(s.quality) THEN get_byte(s.quality, u.ordinal::integer - 1)
            ELSE 255 END::smallint
FROM scan s
LEFT JOIN point_set p ON p.set_id = s.set_id
CROSS JOIN LATERAL unnest(coalesce(s.point_ids, p.point_ids), s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
  AND ($3::timestamptz IS NULL OR s.recorded_at = $3::timestamptz);

-- name: doubled_scan
-- A poll that stands twice, or in a day of which the room was given back: a copy is no fact more, and yet nobody may add it.
SELECT (extract(epoch FROM s.observed_at) * 1000000)::bigint
FROM scan s
LEFT JOIN cold_day c ON c.day = (s.observed_at AT TIME ZONE 'UTC')::date AND c.emptied_at >= c.packed_at AND NOT c.touched
WHERE s.set_id IS NOT NULL AND s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
GROUP BY s.set_id, s.observed_at, s.recorded_at, s."values", s.quality
HAVING count(*) > 1 OR count(c.day) > 0
ORDER BY s.observed_at
LIMIT 1;

-- name: rollup_blocks
SELECT block FROM rollup_1d UNION SELECT point_id / 32 FROM point_set_member ORDER BY 1;

-- name: rollup_days
-- UTC days (since 1970) that have figures, or should.
SELECT (day - DATE '1970-01-01')::bigint AS day FROM scan_days() AS d (day)
UNION SELECT (day - DATE '1970-01-01')::bigint FROM cold_day
UNION SELECT floor(extract(epoch FROM bucket) / 86400)::bigint FROM rollup_1d
ORDER BY 1;

-- name: rollups_closed
SELECT (extract(epoch FROM closed_through) * 1000000)::bigint AS closed_through, time_zone FROM rollup_state;

-- name: dirty_blocks
SELECT DISTINCT block FROM rollup_dirty WHERE hour >= $1::timestamptz AND hour < $2::timestamptz;

-- name: whole_scans
SELECT s.observed_at, s.recorded_at, coalesce(s.point_ids, p.point_ids), s."values", s.quality
FROM scan s
LEFT JOIN point_set p ON p.set_id = s.set_id
WHERE s.observed_at >= $1::timestamptz AND s.observed_at < $2::timestamptz
  AND ($3::timestamptz IS NULL OR s.recorded_at = $3::timestamptz);

-- name: told_restatements
SELECT position, payload::text AS payload FROM event
WHERE stream COLLATE "C" = $1 AND type = 'FiguresRestated' ORDER BY version;
