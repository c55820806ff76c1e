-- name: begin
-- Two statements: the lock must be held before the snapshot is taken that reads the head.
BEGIN; SELECT pg_advisory_xact_lock(7301);

-- name: state
SELECT head.position, head.recorded_at, head.hash,
       ARRAY(
           SELECT coalesce((SELECT version FROM event WHERE stream COLLATE "C" = wanted.stream
                            ORDER BY version DESC LIMIT 1), 0)
           FROM unnest($1::text[]) WITH ORDINALITY AS wanted (stream, ordinal)
           ORDER BY wanted.ordinal
       ) AS versions
FROM (VALUES (true)) AS one
LEFT JOIN (SELECT position, recorded_at, hash FROM event ORDER BY position DESC LIMIT 1) AS head ON true;

-- name: append
WITH appended AS (
    INSERT INTO event (position, recorded_at, stream, version, type, actor, payload, prev_hash, hash)
    SELECT position, recorded_at, stream, version, type, actor, payload::json, prev_hash, hash
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[],
                $8::bytea[], $9::bytea[])
        AS entry (position, recorded_at, stream, version, type, actor, payload, prev_hash, hash)
), moved AS (
    INSERT INTO checkpoint (name, position, state)
    SELECT name, position, state FROM unnest($10::text[], $11::bigint[], $12::bytea[]) AS moved (name, position, state)
    ON CONFLICT (name) DO UPDATE SET position = excluded.position, state = excluded.state
)
SELECT pg_notify('cityhall_bms', '');

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: was_appended
SELECT EXISTS (SELECT FROM event WHERE position = $1 AND hash = $2);

-- name: read
SELECT position, recorded_at, stream, version, type, actor, payload, prev_hash, hash
FROM event WHERE position > $1 ORDER BY position LIMIT $2;

-- name: read_stream
-- By version, which orders a stream as position does, so that its own index serves.
SELECT position, recorded_at, stream, version, type, actor, payload, prev_hash, hash
FROM event WHERE stream COLLATE "C" = $3 AND position > $1 ORDER BY version LIMIT $2;

-- name: read_prefix
-- $4 is the prefix with its last character, "/", replaced by the one that follows it, "0".
SELECT position, recorded_at, stream, version, type, actor, payload, prev_hash, hash
FROM event WHERE stream COLLATE "C" >= $3 AND stream COLLATE "C" < $4 AND position > $1 ORDER BY position LIMIT $2;

-- name: end
SELECT coalesce(max(position), 0) FROM event;

-- name: checkpoint
SELECT name, position, state FROM checkpoint WHERE name = $1;
