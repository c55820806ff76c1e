-- name: store
INSERT INTO device_state (device, state, since, reason, position)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
ON CONFLICT (device) DO UPDATE SET
    state = excluded.state, since = excluded.since, reason = excluded.reason, position = excluded.position;

-- name: states
SELECT device, state, since, reason FROM device_state;
