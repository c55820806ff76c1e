-- name: load
SELECT record FROM maintenance_record WHERE kind = $1 AND name = $2;

-- name: store
INSERT INTO maintenance_record
    (kind, name, state, sort, subject, reference, equipment, at, done_at, ended, opened_position, position, record)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)
ON CONFLICT (kind, name) DO UPDATE
SET state = excluded.state, sort = excluded.sort, equipment = excluded.equipment, done_at = excluded.done_at,
    ended = excluded.ended, position = excluded.position, record = excluded.record;

-- name: page
SELECT record, opened_position FROM maintenance_record
WHERE kind = $1
  AND ($2::bigint IS NULL OR opened_position < $2)
  AND (NOT $4::boolean OR NOT ended)
  AND ($5::text IS NULL OR state = $5)
  AND ($6::text IS NULL OR sort = $6)
  AND ($7::text IS NULL OR subject = $7)
  AND ($8::text IS NULL OR equipment = $8)
  AND ($9::bigint IS NULL OR at >= $9)
  AND ($10::bigint IS NULL OR at < $10)
-- Two findings of one round have places of their own in the log: an order without ties.
ORDER BY opened_position DESC
LIMIT $3;

-- name: plan_work
SELECT subject, reference, name, done_at, ended FROM (
    SELECT *, row_number() OVER (PARTITION BY subject ORDER BY opened_position DESC) AS place
    FROM maintenance_record
    WHERE kind = 'order' AND sort = 'preventive' AND at >= $2
) AS numbered
WHERE place <= $1
ORDER BY opened_position;
