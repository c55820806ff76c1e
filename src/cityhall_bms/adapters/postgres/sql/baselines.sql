-- name: load
SELECT record FROM energy_baseline WHERE baseline = $1;

-- name: store
INSERT INTO energy_baseline (baseline, meter, adopted_position, fitted_position, position, record)
VALUES ($1, $2, $3, $4, $4, $5)
ON CONFLICT (baseline) DO UPDATE
SET adopted_position = excluded.adopted_position, position = excluded.position, record = excluded.record;

-- name: page
SELECT record, fitted_position AS place FROM energy_baseline
WHERE ($1::text IS NULL OR meter = $1) AND ($2::bigint IS NULL OR fitted_position < $2)
ORDER BY fitted_position DESC
LIMIT $3;

-- name: in_force
SELECT record FROM energy_baseline
WHERE meter = $1 AND adopted_position IS NOT NULL
ORDER BY adopted_position DESC
LIMIT 1;

-- name: load_adjustment
SELECT record FROM energy_adjustment WHERE adjustment = $1;

-- name: store_adjustment
INSERT INTO energy_adjustment (adjustment, meter, begin, until, made_position, position, record)
VALUES ($1, $2, $3, $4, $5, $5, $6)
ON CONFLICT (adjustment) DO UPDATE SET position = excluded.position, record = excluded.record;

-- name: adjustments
SELECT record, made_position AS place FROM energy_adjustment
WHERE ($1::text IS NULL OR meter = $1) AND ($2::bigint IS NULL OR made_position < $2)
ORDER BY made_position DESC
LIMIT $3;

-- name: touching
SELECT record FROM energy_adjustment
WHERE meter = $1 AND begin < $3 AND (until IS NULL OR until > $2)
ORDER BY begin, adjustment
LIMIT $4;
