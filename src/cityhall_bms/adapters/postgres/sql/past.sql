-- name: position_at
-- Positions are gap-free and never recorded before the one ahead of them: a search by halves, without an index on time.
WITH RECURSIVE search (low, high) AS (
    SELECT 0::bigint, coalesce(max(position), 0) FROM event
    UNION ALL
    SELECT CASE WHEN e.recorded_at <= $1 THEN e.position ELSE s.low END,
           CASE WHEN e.recorded_at <= $1 THEN s.high ELSE e.position - 1 END
    FROM search s
    JOIN event e ON e.position = (s.low + s.high + 1) / 2
    WHERE s.low < s.high
)
SELECT low FROM search WHERE low = high;

-- name: alarms_at
-- Of every alarm the newest transition up to a position; those that were normal and hidden by nothing are left out.
SELECT t.alarm
FROM alarm a
CROSS JOIN LATERAL (
    SELECT alarm FROM alarm_transition
    WHERE alarm_id = a.alarm_id AND position <= $1
    ORDER BY position DESC
    LIMIT 1
) AS t
WHERE t.alarm ->> 'base' <> 'NORM' OR t.alarm ->> 'shelved_until' IS NOT NULL OR t.alarm ->> 'suppressed_by' <> ''
   OR t.alarm ->> 'out_of_service_by' <> '';

-- name: devices_at
SELECT e.position, e.recorded_at, e.stream, e.version, e.type, e.actor, e.payload, e.prev_hash, e.hash
FROM device_state d
CROSS JOIN LATERAL (
    SELECT * FROM event
    WHERE stream COLLATE "C" = 'device/' || d.device AND position <= $1 AND type = ANY ($2::text[])
    ORDER BY version DESC
    LIMIT 1
) AS e;
