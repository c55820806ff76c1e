-- name: plan
-- Each search is planned for what it asks: a plan for every search would read everything for the narrowest.
SET LOCAL plan_cache_mode = force_custom_plan;

-- name: named
-- Alarms whose name or present text contains the words.
SELECT alarm_id FROM alarm
WHERE strpos(lower(alarm_id), lower($1)) > 0
   OR strpos(lower(alarm ->> 'text_zh'), lower($1)) > 0
   OR strpos(lower(alarm ->> 'text_en'), lower($1)) > 0;

-- name: search
-- What people wrote stands with the few events by which they wrote it: as index alarm_transition_words says it.
SELECT position, recorded_at, type, actor, alarm FROM alarm_transition
WHERE ($1::bigint IS NULL OR position > $1)
  AND ($2::bigint IS NULL OR position <= $2)
  AND ($3::bigint IS NULL OR position < $3)
  AND ($4::text IS NULL OR alarm ->> 'subject' = $4)
  AND ($5::text IS NULL OR alarm ->> 'equipment' = $5)
  AND ($6::text IS NULL OR actor = $6)
  AND ($7::text IS NULL OR alarm ->> 'system' = $7)
  AND ($8::integer IS NULL OR (alarm ->> 'priority')::integer = $8)
  AND ($9::text[] IS NULL OR alarm_id = ANY ($9)
       OR (type IN ('AlarmAcknowledged', 'AlarmCommented', 'AlarmShelved', 'AlarmTakenOutOfService')
           AND alarm ->> CASE type WHEN 'AlarmShelved' THEN 'shelf_reason'
                                   WHEN 'AlarmTakenOutOfService' THEN 'out_of_service_reason'
                                   ELSE 'comment' END <> ''
           AND strpos(lower(alarm ->> CASE type WHEN 'AlarmShelved' THEN 'shelf_reason'
                                                WHEN 'AlarmTakenOutOfService' THEN 'out_of_service_reason'
                                                ELSE 'comment' END), lower($10)) > 0))
ORDER BY position DESC
LIMIT $11;
