-- name: loose_hours
-- Of the oldest hour that is over, some of the devices whose scans lie in many rows.
SELECT DISTINCT hour, device FROM raw_scan
WHERE NOT packed AND hour = (SELECT min(hour) FROM raw_scan WHERE NOT packed) AND hour <= $1::timestamptz
ORDER BY device
LIMIT $2;

-- name: take
-- Whoever packs the same hour at the same time waits here, and then takes nothing.
DELETE FROM raw_scan WHERE hour = $1::timestamptz AND device = ANY ($2::text[]) RETURNING device, data;

-- name: forget
DELETE FROM raw_scan WHERE hour < $1::timestamptz;

-- name: hours
SELECT DISTINCT hour FROM raw_scan
WHERE device = $1 AND hour >= $2::timestamptz AND hour < $3::timestamptz
ORDER BY hour;

-- name: of_hour
SELECT data FROM raw_scan WHERE device = $1 AND hour = $2::timestamptz;

-- name: mark
-- Packed scans are sealed once; what comes late for an hour is packed beside them, and sealed with a later day.
UPDATE raw_scan SET sealed_on = $1 WHERE sealed_on IS NULL AND packed;

-- name: sealed
SELECT (extract(epoch FROM hour) * 1000000)::bigint AS hour, device, sha256(data) AS digest
FROM raw_scan WHERE sealed_on = $1
ORDER BY hour, device COLLATE "C", digest;

-- name: oldest
SELECT (extract(epoch FROM min(hour)) * 1000000)::bigint FROM raw_scan;
