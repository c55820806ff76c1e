-- name: add
INSERT INTO air_entry (position, recorded_at, kind, place, name, value, unit, moment, method, report, note, by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (position) DO NOTHING;

-- name: withdraw
UPDATE air_entry SET withdrawn_at = $2, withdrawn_by = $3, withdrawn_why = $4
WHERE position = $1 AND withdrawn_at IS NULL;

-- name: page
-- What was withdrawn after the moment of knowledge was still valid then.
SELECT * FROM air_entry
WHERE kind = $1
  AND ($2::bigint IS NULL OR moment >= $2)
  AND ($3::bigint IS NULL OR moment < $3)
  AND ($4::boolean OR withdrawn_at IS NULL OR withdrawn_at > $5)
  AND ($5::bigint IS NULL OR recorded_at <= $5)
  AND ($6::bigint IS NULL OR position < $6)
ORDER BY position DESC
LIMIT $7;

-- name: get
SELECT * FROM air_entry WHERE position = $1;
