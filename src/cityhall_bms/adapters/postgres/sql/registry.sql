-- name: lock
SELECT pg_advisory_xact_lock(7303);

-- name: known_points
SELECT name, fingerprint FROM point WHERE in_service;

-- name: known_devices
SELECT name, fingerprint FROM site_device;

-- name: keep_past
-- What is about to change: samples so far were made with this.
INSERT INTO point_past (point_id, until, description)
SELECT known.point_id, now(), known.description
FROM unnest($1::text[], $2::text[]) AS given (name, fingerprint)
JOIN point AS known USING (name)
WHERE known.fingerprint <> given.fingerprint;

-- name: store_points
-- New names are numbered in the order of the array. Nothing is ever deleted, so that max + 1 was never in use.
INSERT INTO point (point_id, name, in_service, fingerprint, description)
SELECT coalesce(known.point_id,
                (SELECT coalesce(max(point_id), 0) FROM point)
                    + count(*) FILTER (WHERE known.point_id IS NULL) OVER (ORDER BY given.ordinal)),
       given.name, true, given.fingerprint, given.description::jsonb
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS given (name, fingerprint, description, ordinal)
LEFT JOIN point AS known USING (name)
ON CONFLICT (name) DO UPDATE SET
    in_service = true, fingerprint = excluded.fingerprint, description = excluded.description;

-- name: retire_points
UPDATE point SET in_service = false WHERE in_service AND name <> ALL ($1::text[]);

-- name: store_devices
INSERT INTO site_device (name, fingerprint) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint;

-- name: retire_devices
DELETE FROM site_device WHERE name <> ALL ($1::text[]);

-- name: ids
SELECT name, point_id FROM point;
