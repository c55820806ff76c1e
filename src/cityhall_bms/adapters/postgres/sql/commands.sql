-- name: load
SELECT point, control FROM command_point WHERE point = ANY($1::text[]);

-- name: store
INSERT INTO command_point (point, position, control)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::jsonb[])
ON CONFLICT (point) DO UPDATE SET position = excluded.position, control = excluded.control;

-- name: store_command
-- The place of a command in the list is where it was first heard of.
INSERT INTO command (command, opened_position, point, state, priority, detail)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (command) DO UPDATE SET state = excluded.state, priority = excluded.priority, detail = excluded.detail;

-- name: forget_slots
DELETE FROM command_slot WHERE point = ANY($1::text[]);

-- name: store_slots
INSERT INTO command_slot (point, priority, until, slot)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::jsonb[]);

-- name: control
SELECT control FROM command_point WHERE point = $1;

-- name: get
SELECT detail FROM command WHERE command = $1;

-- name: page
SELECT opened_position, detail FROM command
WHERE ($1::text IS NULL OR point = $1)
  AND ($2::text IS NULL OR state = $2)
  AND ($3::integer IS NULL OR priority = $3)
  AND (NOT $4::boolean OR state IN ('SELECTED', 'PROPOSED', 'REQUESTED', 'ATTEMPTED', 'WRITTEN'))
  AND ($5::bigint IS NULL OR opened_position < $5)
ORDER BY opened_position DESC
LIMIT $6;

-- name: held
SELECT point, slot FROM command_slot
WHERE ($1::integer IS NULL OR priority = $1)
ORDER BY until NULLS LAST, point, priority
LIMIT $2;

-- name: due
SELECT point, slot FROM command_slot WHERE until <= $1 ORDER BY until, point LIMIT $2;
