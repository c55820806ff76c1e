-- Searches in the record of alarms: only what somebody wrote is looked through for words, and the planner knows how
-- common priorities and systems are (docs/adr/0075-what-operators-do.md).

DROP INDEX alarm_transition_said;
CREATE INDEX alarm_transition_words ON alarm_transition (position)
    WHERE type IN ('AlarmAcknowledged', 'AlarmCommented', 'AlarmShelved', 'AlarmTakenOutOfService')
      AND alarm ->> CASE type WHEN 'AlarmShelved' THEN 'shelf_reason'
                              WHEN 'AlarmTakenOutOfService' THEN 'out_of_service_reason'
                              ELSE 'comment' END <> '';

CREATE STATISTICS alarm_transition_what ON (alarm ->> 'system'), ((alarm ->> 'priority')::integer) FROM alarm_transition;
