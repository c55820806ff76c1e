-- name: create
INSERT INTO projection_checkpoint (name, position) SELECT unnest($1::text[]), 0 ON CONFLICT (name) DO NOTHING;

-- name: applied
SELECT coalesce(min(position), 0) FROM projection_checkpoint WHERE name = ANY ($1::text[]);

-- name: lock
SELECT name, position FROM projection_checkpoint WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE;

-- name: move
-- A second projector may be ahead: a checkpoint never goes back. Whoever follows a projection is woken at the commit.
WITH moved AS (
    UPDATE projection_checkpoint SET position = greatest(position, $2) WHERE name = ANY ($1::text[])
)
SELECT pg_notify('cityhall_bms', '');
