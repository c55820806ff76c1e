-- name: add
INSERT INTO permit (permit, kind, equipment, zones, systems, begin, until, reason, opened_by, opened_at,
                    opened_position, closed_by, comment, version, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', '', 1, $11)
ON CONFLICT (permit) DO NOTHING;

-- name: close
UPDATE permit SET closed_at = $2, closed_by = $3, comment = $4, version = $5, position = $6
WHERE permit = $1 AND closed_at IS NULL;

-- name: page
SELECT * FROM permit
WHERE (NOT $1::boolean OR closed_at IS NULL)
  AND ($2::text IS NULL OR kind = $2)
  AND ($3::bigint IS NULL OR opened_position < $3)
ORDER BY opened_position DESC
LIMIT $4;

-- name: get
SELECT * FROM permit WHERE permit = $1;

-- name: due
SELECT * FROM permit WHERE closed_at IS NULL AND until <= $1 ORDER BY until, permit LIMIT $2;

-- name: in_force
-- One that was closed after the position was still open then.
SELECT * FROM permit
WHERE opened_position <= $1 AND begin <= $2 AND until > $2 AND (closed_at IS NULL OR position > $1)
ORDER BY opened_position;
