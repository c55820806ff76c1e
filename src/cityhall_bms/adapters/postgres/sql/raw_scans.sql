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
