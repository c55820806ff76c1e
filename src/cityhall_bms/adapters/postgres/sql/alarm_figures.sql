-- name: before
-- Alarms as they stood before a position. The transitions of a position never change once they are there.
SELECT earlier.alarm
FROM unnest($1::text[]) AS wanted (alarm_id)
CROSS JOIN LATERAL (
    SELECT alarm FROM alarm_transition
    WHERE alarm_transition.alarm_id = wanted.alarm_id AND position < $2
    ORDER BY position DESC LIMIT 1
) AS earlier;

-- name: standing
SELECT position, at, alarm_id, occurrence, priority, system, equipment, began, ended, acknowledged, again, late, drill,
       withdrawn, waiting
FROM annunciation JOIN annunciated_alarm ON number = alarm
WHERE alarm_id = ANY ($1::text[]) AND ended = 9223372036854775807
ORDER BY position;

-- name: settle
-- An alarm that nobody acknowledges may have rung a thousand times: they are settled here, and not one by one.
UPDATE annunciation SET waiting = false, acknowledged = settled.acknowledged, withdrawn = settled.withdrawn
FROM unnest($1::text[], $2::bigint[], $3::boolean[]) AS settled (alarm_id, acknowledged, withdrawn)
JOIN annunciated_alarm USING (alarm_id)
WHERE alarm = number AND waiting;

-- name: number
INSERT INTO annunciated_alarm (number, alarm_id)
SELECT * FROM unnest($1::bigint[], $2::text[])
ON CONFLICT (alarm_id) DO NOTHING;

-- name: store
INSERT INTO annunciation (position, at, alarm, occurrence, priority, system, equipment, began, ended, acknowledged,
                          again, late, drill, withdrawn, waiting)
SELECT position, at, number, occurrence, priority, system, equipment, began, ended, acknowledged, again, late, drill,
       withdrawn, waiting
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::integer[], $5::smallint[], $6::text[], $7::text[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::boolean[], $12::boolean[], $13::boolean[],
            $14::boolean[], $15::boolean[])
     AS row (position, at, alarm_id, occurrence, priority, system, equipment, began, ended, acknowledged, again, late,
             drill, withdrawn, waiting)
JOIN annunciated_alarm USING (alarm_id)
ON CONFLICT (position) DO UPDATE SET
    ended = excluded.ended, acknowledged = excluded.acknowledged, withdrawn = excluded.withdrawn,
    waiting = excluded.waiting;

-- name: store_unauthorised
INSERT INTO unauthorised_hiding (position, at, alarm_id, priority, system, equipment)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::text[], $6::text[]);

-- name: rows
-- What rang from a day before the stretch on (a flood or a burst reaches in), what was found late in it, and what
-- already stood before.
SELECT alarm, priority::bigint, began, ended, CASE WHEN late THEN 9223372036854775807 ELSE at END, acknowledged,
       again::integer::bigint, withdrawn::integer::bigint, drill::integer::bigint
FROM annunciation
WHERE ((NOT late AND at >= $1 - 86400000000 AND at < $2)
       OR (late AND began >= $1 AND began < $2)
       OR (NOT late AND ended - began > 86400000000 AND ended >= $1 AND at < $1 - 86400000000))
  AND ($3::text IS NULL OR system = $3)
  AND ($4::text IS NULL OR split_part(equipment, '.', 2) = $4
       OR split_part(equipment, '.', 2) || '.' || split_part(equipment, '.', 3) = $4)
  AND ($5::integer IS NULL OR priority = $5);

-- name: names
SELECT number, alarm_id FROM annunciated_alarm ORDER BY number;

-- name: unauthorised
SELECT at FROM unauthorised_hiding
WHERE at >= $1 AND at < $2
  AND ($3::text IS NULL OR system = $3)
  AND ($4::text IS NULL OR split_part(equipment, '.', 2) = $4
       OR split_part(equipment, '.', 2) || '.' || split_part(equipment, '.', 3) = $4)
  AND ($5::integer IS NULL OR priority = $5)
ORDER BY at;

-- name: stale
SELECT alarm FROM alarm
WHERE active AND state = base AND raised_at < $1
  AND ($3::text IS NULL OR system = $3)
  AND ($4::text IS NULL OR split_part(equipment, '.', 2) = $4
       OR split_part(equipment, '.', 2) || '.' || split_part(equipment, '.', 3) = $4)
  AND ($5::integer IS NULL OR priority = $5)
ORDER BY raised_at, alarm_id
LIMIT $2;

-- name: rings
SELECT position, at FROM annunciation
WHERE position > $1 AND at > $2 AND NOT late AND NOT drill
ORDER BY position
LIMIT $3;

-- name: position
SELECT position FROM projection_checkpoint WHERE name = 'annunciations';
