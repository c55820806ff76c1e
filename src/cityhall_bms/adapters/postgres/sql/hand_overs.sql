-- name: add
INSERT INTO hand_over (hand_over, prepared_by, prepared_at, prepared_position, as_of, notes, counts, digest,
                       signed_by, comment, version, position)
VALUES ($1, $2, $3, $8, $4, $5, $6, $7, '', '', 1, $8)
ON CONFLICT (hand_over) DO NOTHING;

-- name: sign
UPDATE hand_over SET signed_by = $2, signed_at = $3, comment = $4, version = $5, position = $6
WHERE hand_over = $1 AND signed_at IS NULL;

-- name: page
SELECT * FROM hand_over
WHERE $1::bigint IS NULL OR prepared_position < $1
ORDER BY prepared_position DESC
LIMIT $2;

-- name: reflected
-- What lists are made of: an answer for a position needs both projections to have come that far.
SELECT coalesce(min(position), 0) FROM projection_checkpoint WHERE name IN ('alarms', 'permits');
