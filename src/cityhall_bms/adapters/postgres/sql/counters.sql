-- Times are µs UTC.

-- name: descriptions
-- Counters, and what their rates can be known from.
SELECT point_id, description FROM point
WHERE description ->> 'kind' = 'CI' OR description ->> 'unit' = ANY ($1::text[]);

-- name: descriptions_of
-- Some counters, and what their rates can be known from.
SELECT p.point_id, p.description FROM point p
WHERE (p.point_id = ANY ($2::integer[]) AND p.description ->> 'kind' = 'CI')
   OR (p.description ->> 'unit' = ANY ($1::text[]) AND p.description ->> 'equipment' IN (
        SELECT c.description ->> 'equipment' FROM point c
        WHERE c.point_id = ANY ($2::integer[]) AND c.description ->> 'kind' = 'CI'));

-- name: standing
-- Steps of some counters that stand.
SELECT point_id, at, before, kind, state, from_value, to_value, correction, known_from
FROM counter_step
WHERE point_id = ANY ($1::integer[]) AND at >= $2 AND at < $3 AND known_until IS NULL
ORDER BY point_id, at;

-- name: known
-- Steps of some counters as they were known at a time.
SELECT point_id, at, before, kind, state, from_value, to_value, correction, known_from
FROM counter_step
WHERE point_id = ANY ($1::integer[]) AND at >= $2 AND at < $3
  AND known_from <= $4 AND (known_until IS NULL OR known_until > $4)
ORDER BY point_id, at;

-- name: doubted
-- Counters whose newest step waits, or is fresh enough for what follows to matter.
SELECT DISTINCT point_id FROM counter_step WHERE known_until IS NULL AND (state = 'pending' OR at >= $1);

-- name: supersede
UPDATE counter_step SET known_until = u.known_until
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS u (point_id, at, known_until)
WHERE counter_step.point_id = u.point_id AND counter_step.at = u.at AND counter_step.known_until IS NULL;

-- name: add
INSERT INTO counter_step (point_id, at, before, kind, state, from_value, to_value, correction, known_from)
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::double precision[],
                     $7::double precision[], $8::double precision[], $9::bigint[]);

-- name: late_hours
-- Hours of some blocks of points that samples came late for, and that are not computed again yet.
SELECT block, (extract(epoch FROM hour) * 1000000)::bigint AS hour
FROM rollup_dirty WHERE block = ANY ($1::integer[]);

-- name: known_through
SELECT coalesce((SELECT at FROM known_through), 0);

-- name: words
SELECT point_id, at, decision, last_old, first_new, recorded_at
FROM counter_word
WHERE point_id = ANY ($1::integer[]) AND at >= $2 AND at < $3 AND recorded_at <= $4
ORDER BY position;

-- name: add_words
INSERT INTO counter_word (position, point_id, at, decision, last_old, first_new, recorded_at)
SELECT w.position, p.point_id, w.at, w.decision, w.last_old, w.first_new, w.recorded_at
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::double precision[], $6::double precision[],
            $7::bigint[]) AS w (position, name, at, decision, last_old, first_new, recorded_at)
JOIN point p ON p.name = w.name
ON CONFLICT DO NOTHING;

-- name: mark_words
-- The hours of what was said are computed again; the historian tells what changed by it.
INSERT INTO rollup_dirty (hour, block, why, closed_through)
SELECT DISTINCT to_timestamp((w.at / 3600000000) * 3600), p.point_id / 32, 'decision',
       (SELECT (extract(epoch FROM s.closed_through) * 1000000)::bigint FROM rollup_state s)
FROM unnest($1::text[], $2::bigint[]) AS w (name, at)
JOIN point p ON p.name = w.name
ON CONFLICT (hour, block) DO UPDATE SET why = excluded.why, closed_through = excluded.closed_through;

-- name: waiting
SELECT point_id, at, before, kind, state, from_value, to_value, correction, known_from
FROM counter_step
WHERE known_until IS NULL AND state = 'quarantined' AND ($1::integer IS NULL OR point_id = $1)
ORDER BY at DESC, point_id
LIMIT $2;

-- name: steps_of
SELECT point_id, at, before, kind, state, from_value, to_value, correction, known_from
FROM counter_step
WHERE point_id = $1 AND known_until IS NULL AND at >= $2 AND at < $3
ORDER BY at
LIMIT $4;

-- name: newly_waiting
-- Counters with steps in quarantine of which no alarm was asked for yet: the newest step of each.
SELECT DISTINCT ON (s.point_id) s.point_id, p.name, s.at, s.from_value, s.to_value
FROM counter_step s JOIN point p USING (point_id)
WHERE s.known_until IS NULL AND s.state = 'quarantined'
  AND NOT EXISTS (SELECT FROM counter_noticed n WHERE n.point_id = s.point_id)
ORDER BY s.point_id, s.at DESC
LIMIT $1;

-- name: no_longer_waiting
SELECT n.point_id, p.name
FROM counter_noticed n JOIN point p USING (point_id)
WHERE NOT EXISTS (
    SELECT FROM counter_step s WHERE s.point_id = n.point_id AND s.known_until IS NULL AND s.state = 'quarantined')
LIMIT $1;

-- name: note_notice
INSERT INTO counter_noticed (point_id) SELECT unnest($1::integer[]) ON CONFLICT DO NOTHING;

-- name: forget_notice
DELETE FROM counter_noticed WHERE point_id = ANY ($1::integer[]);

-- name: oldest_hour
SELECT (extract(epoch FROM min(bucket)) * 1000000)::bigint FROM rollup_1h;

-- name: closed_through
SELECT (extract(epoch FROM closed_through) * 1000000)::bigint FROM rollup_state;
