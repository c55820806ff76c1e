-- name: enter
INSERT INTO backtest (id, rule, fingerprint, actor, asked_at, question, state)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, 'waiting');

-- name: get
SELECT id, rule, fingerprint, actor, asked_at, question, state, progress, digest, summary, reason, ended_at
FROM backtest WHERE id = $1;

-- name: page
SELECT id, rule, fingerprint, actor, asked_at, question, state, progress, digest, summary, reason, ended_at
FROM backtest WHERE rule = $1 AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $2;

-- name: open
SELECT id FROM backtest WHERE state IN ('waiting', 'running') ORDER BY id LIMIT 1;

-- name: result
SELECT result FROM backtest WHERE id = $1;

-- name: advance
UPDATE backtest SET state = 'running', progress = $2 WHERE id = $1 AND state IN ('waiting', 'running');

-- name: end
UPDATE backtest SET state = $2, progress = CASE WHEN $2 = 'done' THEN 1 ELSE progress END, digest = $3,
    summary = $4::jsonb, result = $5, reason = $6, ended_at = $7
WHERE id = $1 AND state IN ('waiting', 'running');

-- A session's lock: it ends with the process that makes the test, however that ends.
-- name: claim
SELECT pg_try_advisory_lock(7316, hashtext($1));
