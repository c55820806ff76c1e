-- What a shift lives by: permits, hand-overs, and a record of alarms that can be searched
-- (docs/adr/0075-what-operators-do.md). Times are µs UTC.

CREATE TABLE permit (
    permit text PRIMARY KEY,              -- day and number: 2026-07-01-1
    kind text NOT NULL,                   -- works, drill, test
    equipment text[] NOT NULL,
    zones text[] NOT NULL,                -- floors and zones of floors: 05, 05.W
    systems text[] NOT NULL,
    begin bigint NOT NULL,
    until bigint NOT NULL,
    reason text NOT NULL,
    opened_by text NOT NULL,
    opened_at bigint NOT NULL,
    opened_position bigint NOT NULL,      -- of the event that opened it
    closed_at bigint,                     -- none: nobody closed it yet
    closed_by text NOT NULL,
    comment text NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL              -- of its newest event
);
COMMENT ON TABLE permit IS 'Work, drills and tests that somebody allowed: where, from when until when, why';
CREATE UNIQUE INDEX permit_newest ON permit (opened_position);
CREATE INDEX permit_open ON permit (until) WHERE closed_at IS NULL;

CREATE TABLE hand_over (
    hand_over text PRIMARY KEY,           -- day and number: 2026-07-01-1
    prepared_by text NOT NULL,
    prepared_at bigint NOT NULL,
    prepared_position bigint NOT NULL,    -- of the event that prepared it
    as_of bigint NOT NULL,                -- position of the event log at which its lists were taken
    notes text NOT NULL,
    counts jsonb NOT NULL,                -- alarms by list
    digest text NOT NULL,                 -- SHA-256 of the lists
    signed_by text NOT NULL,
    signed_at bigint,                     -- none: nobody took the shift yet
    comment text NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL
);
COMMENT ON TABLE hand_over IS 'Shifts handed over: what stood then, what was said, who signed';
CREATE UNIQUE INDEX hand_over_newest ON hand_over (prepared_position);

-- Searching the record: by person, by what it is about, and by what people wrote.
CREATE INDEX alarm_transition_actor ON alarm_transition (actor, position);
CREATE INDEX alarm_transition_subject ON alarm_transition ((alarm ->> 'subject'), position);
CREATE INDEX alarm_transition_equipment ON alarm_transition ((alarm ->> 'equipment'), position);
CREATE INDEX alarm_transition_said ON alarm_transition (position)
    WHERE type IN ('AlarmAcknowledged', 'AlarmCommented', 'AlarmShelved', 'AlarmTakenOutOfService');
