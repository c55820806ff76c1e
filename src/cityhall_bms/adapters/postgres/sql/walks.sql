-- name: open
-- A check after a signature takes it away: somebody touched the machine again.
INSERT INTO walk (equipment, signed_by, note, version, position) VALUES ($1, '', '', $2, $3)
ON CONFLICT (equipment) DO UPDATE
SET signed_at = NULL, signed_by = '', note = '', version = excluded.version, position = excluded.position;

-- name: check
INSERT INTO walked_point (point, equipment, passed, note, seen, checked_by, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (point) DO UPDATE
SET equipment = excluded.equipment, passed = excluded.passed, note = excluded.note, seen = excluded.seen,
    checked_by = excluded.checked_by, checked_at = excluded.checked_at;

-- name: sign
UPDATE walk SET signed_by = $2, signed_at = $3, note = $4, version = $5, position = $6 WHERE equipment = $1;

-- name: walks
SELECT * FROM walk ORDER BY equipment;

-- name: points
SELECT * FROM walked_point ORDER BY point;
