-- name: load
SELECT alarm FROM alarm WHERE alarm_id = ANY ($1::text[]);

-- name: store
INSERT INTO alarm (alarm_id, position, version, state, base, active, acknowledged, waiting, priority, system,
                   equipment, raised_at, shelved_until, alarm)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::boolean[], $7::boolean[],
                     $8::boolean[], $9::smallint[], $10::text[], $11::text[], $12::bigint[], $13::bigint[],
                     $14::jsonb[])
ON CONFLICT (alarm_id) DO UPDATE SET
    position = excluded.position, version = excluded.version, state = excluded.state, base = excluded.base,
    active = excluded.active, acknowledged = excluded.acknowledged, waiting = excluded.waiting,
    priority = excluded.priority, system = excluded.system, equipment = excluded.equipment,
    raised_at = excluded.raised_at, shelved_until = excluded.shelved_until, alarm = excluded.alarm;

-- name: store_transitions
INSERT INTO alarm_transition (position, recorded_at, type, actor, alarm_id, alarm)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::jsonb[]);

-- name: page
-- One statement, hence one snapshot: the position is that of these very rows.
SELECT checkpoint.position, page.alarm
FROM (SELECT coalesce((SELECT position FROM projection_checkpoint WHERE name = 'alarms'), 0) AS position) AS checkpoint
LEFT JOIN (
    SELECT alarm, waiting, priority, raised_at, alarm_id FROM alarm
    WHERE ($1::text[] IS NULL OR state = ANY ($1))
      AND ($2::boolean IS NULL OR active = $2)
      AND ($3::boolean IS NULL OR (shelved_until IS NOT NULL) = $3)
      AND ($4::text IS NULL OR system = $4)
      AND ($5::integer IS NULL OR priority = $5)
      AND ($6::text IS NULL OR equipment = $6)
      AND ($7::boolean IS NULL
           OR (NOT waiting, priority, -raised_at, alarm_id COLLATE "C") > ($7, $8::smallint, $9::bigint, $10::text))
    ORDER BY NOT waiting, priority, -raised_at, alarm_id COLLATE "C"
    LIMIT $11
) AS page ON true
ORDER BY NOT page.waiting, page.priority, -page.raised_at, page.alarm_id COLLATE "C";

-- name: everything
SELECT coalesce(checkpoint.position, 0) AS position, alarm.alarm
FROM (SELECT (SELECT position FROM projection_checkpoint WHERE name = 'alarms') AS position) AS checkpoint
LEFT JOIN alarm ON true;

-- name: get
SELECT alarm FROM alarm WHERE alarm_id = $1;

-- name: shelves_due
SELECT alarm FROM alarm WHERE shelved_until <= $1 ORDER BY shelved_until, alarm_id LIMIT $2;

-- name: transitions
SELECT told.position, told.recorded_at, told.type, told.actor, told.alarm, before.alarm
FROM (SELECT * FROM alarm_transition WHERE position > $1 ORDER BY position LIMIT $2) AS told
LEFT JOIN LATERAL (
    SELECT alarm FROM alarm_transition AS earlier
    WHERE earlier.alarm_id = told.alarm_id AND earlier.position < told.position
    ORDER BY earlier.position DESC LIMIT 1
) AS before ON true
ORDER BY told.position;

-- name: newest_transitions_of
SELECT told.position, told.recorded_at, told.type, told.actor, told.alarm, told.before
FROM (SELECT position, recorded_at, type, actor, alarm, lag(alarm) OVER (ORDER BY position) AS before
      FROM (SELECT * FROM alarm_transition WHERE alarm_id = $1 ORDER BY position DESC LIMIT $2 + 1) AS newest
      ORDER BY position DESC LIMIT $2) AS told
ORDER BY told.position;
