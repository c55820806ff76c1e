-- Who was told of what, by which channel, and what became of it (docs/adr/0078-calendars-and-notifications.md).
-- Times are µs UTC.

CREATE TABLE notification (
    notification text PRIMARY KEY,
    occasion text NOT NULL,               -- raised, escalated, returned, flood, test
    person text NOT NULL,
    channel text NOT NULL,                -- a name; the address is nowhere in the database
    "group" text NOT NULL,
    priority smallint NOT NULL,
    alarm text NOT NULL,                  -- empty: about no single alarm
    occurrence integer NOT NULL,
    level integer NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    queued_at bigint NOT NULL,
    queued_position bigint NOT NULL,
    due bigint,                           -- none: nothing more is tried
    state text NOT NULL,                  -- queued, sending, failed, sent, uncertain, abandoned
    attempts integer NOT NULL,
    may_repeat boolean NOT NULL,
    attempted_at bigint,
    ended_at bigint,
    reason text NOT NULL,
    acknowledged_by text NOT NULL,        -- of the alarm, after this was queued
    acknowledged_at bigint,
    version integer NOT NULL,
    position bigint NOT NULL
);
COMMENT ON TABLE notification IS 'Who was told of what, by which channel, and what became of it';
CREATE UNIQUE INDEX notification_newest ON notification (queued_position);
CREATE INDEX notification_alarm ON notification (alarm, queued_position);
CREATE INDEX notification_person ON notification (person, queued_position);
CREATE INDEX notification_state ON notification (state, queued_position);
CREATE INDEX notification_unanswered ON notification (alarm) WHERE acknowledged_at IS NULL AND alarm <> '';
