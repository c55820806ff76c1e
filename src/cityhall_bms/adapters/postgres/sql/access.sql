-- name: password
SELECT hash, before, failures FROM access_password WHERE account = $1;

-- name: set_password
INSERT INTO access_password (account, hash, before, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account) DO UPDATE SET hash = $2, before = $3, changed_at = $4, failures = 0;

-- name: failed
UPDATE access_password SET failures = failures + 1 WHERE account = $1 RETURNING failures;

-- name: forgive
UPDATE access_password SET failures = 0 WHERE account = $1 AND failures > 0;

-- name: forget_sessions
DELETE FROM access_session WHERE ends_at <= $1 OR active_at + idle_us <= $1;

-- name: add_session
INSERT INTO access_session (digest, session, account, begun_at, active_at, ends_at, idle_us, address, agent, by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: session
SELECT * FROM access_session WHERE digest = $1 AND ends_at > $2 AND coalesce(active_at + idle_us > $2, true);

-- name: sessions
SELECT * FROM access_session
WHERE ($1::text IS NULL OR account = $1) AND ends_at > $2 AND coalesce(active_at + idle_us > $2, true)
ORDER BY begun_at DESC, session;

-- name: touch
UPDATE access_session SET active_at = greatest(active_at, $2) WHERE session = $1;

-- name: end_session
DELETE FROM access_session WHERE session = $1 RETURNING *;

-- name: end_sessions
DELETE FROM access_session WHERE account = $1 AND session <> $2 RETURNING *;

-- name: add_token
INSERT INTO access_token (digest, token, account, name, scopes, made_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: token
SELECT * FROM access_token WHERE digest = $1 AND expires_at > $2;

-- name: used_token
UPDATE access_token SET used_at = $2 WHERE digest = $1 AND coalesce(used_at < $3, true);

-- name: tokens
SELECT * FROM access_token WHERE ($1::text IS NULL OR account = $1) AND expires_at > $2
ORDER BY made_at DESC, token;

-- name: end_token
DELETE FROM access_token WHERE token = $1 RETURNING *;

-- name: end_tokens
DELETE FROM access_token WHERE account = $1 RETURNING *;

-- name: add_invitation
INSERT INTO access_invitation (digest, account, expires_at, enters) VALUES ($1, $2, $3, $4)
ON CONFLICT (account) DO UPDATE SET digest = $1, expires_at = $3, enters = $4;

-- name: invitation
SELECT account, expires_at, enters FROM access_invitation WHERE digest = $1 AND expires_at > $2;

-- name: take_invitation
DELETE FROM access_invitation WHERE digest = $1 AND expires_at > $2 RETURNING account, expires_at, enters;

-- name: end_invitations
DELETE FROM access_invitation WHERE account = $1;
