-- name: load
SELECT record, proposed_position FROM energy_measure WHERE measure = $1;

-- name: store
INSERT INTO energy_measure (measure, status, commodity, proposed_position, position, record)
VALUES ($1, $2, $3, $4, $4, $5)
ON CONFLICT (measure) DO UPDATE
SET status = excluded.status, commodity = excluded.commodity, position = excluded.position, record = excluded.record;

-- name: page
SELECT record, proposed_position FROM energy_measure
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::text IS NULL OR commodity = $2)
  AND ($3::bigint IS NULL OR proposed_position < $3)
ORDER BY proposed_position DESC
LIMIT $4;
