-- name: look
-- A session of another account shows no start: it is then taken for a dead one, and only its beat speaks for it.
SELECT holder, token, beat,
       EXISTS (SELECT FROM pg_stat_activity
               WHERE pid = lease.backend AND backend_start = lease.backend_start) AS connected
FROM lease WHERE name = $1;

-- name: claim
-- Holds the row, so that the holder can give no sign of life while it is being replaced.
SELECT token FROM lease WHERE name = $1 AND token = $2 AND beat = $3 FOR UPDATE;

-- name: cut_off
-- A holder that froze inside a transaction would keep its locks for ever. What it had not committed is undone.
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = 7310 AND objid = lease_lock_key($1)::oid AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid <> pg_backend_pid();

-- name: await_writers
SELECT pg_advisory_xact_lock(7310, lease_lock_key($1));

-- name: take
INSERT INTO lease (name, holder, token, beat, backend, backend_start)
SELECT $1, $2, 1, 0, pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, token = lease.token + 1, beat = lease.beat + 1,
        backend = excluded.backend, backend_start = excluded.backend_start
    WHERE lease.token = $3
RETURNING token;

-- name: renew
UPDATE lease SET beat = beat + 1, backend = pid, backend_start = session.backend_start
FROM (SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS session
WHERE name = $1 AND token = $2
RETURNING beat;

-- name: give_back
UPDATE lease SET holder = '', beat = beat + 1 WHERE name = $1 AND token = $2;

-- name: token
SELECT lease_token($1);
