-- Projections of the event log: each can be thrown away and built again from it.

CREATE TABLE projection_checkpoint (
    name text PRIMARY KEY,
    position bigint NOT NULL                           -- newest event that the projection's tables reflect
);

CREATE TABLE alarm (
    alarm_id text PRIMARY KEY,
    position bigint NOT NULL,                          -- of its newest event
    version integer NOT NULL,                          -- how many events it is the fold of
    state text NOT NULL,                               -- as displayed
    base text NOT NULL,
    active boolean NOT NULL,
    acknowledged boolean NOT NULL,
    waiting boolean NOT NULL,                          -- shown to the operators and not acknowledged
    priority smallint NOT NULL,
    system text NOT NULL,
    equipment text NOT NULL,
    raised_at bigint NOT NULL,                         -- µs UTC, 0 when it never rang
    shelved_until bigint,                              -- µs UTC
    alarm jsonb NOT NULL                               -- all of it
);

-- The operators' order, so that a page is read from the index.
CREATE INDEX alarm_order ON alarm ((NOT waiting), priority, (-raised_at), (alarm_id COLLATE "C"));
CREATE INDEX alarm_shelved ON alarm (shelved_until) WHERE shelved_until IS NOT NULL;

CREATE TABLE alarm_transition (
    position bigint PRIMARY KEY,
    recorded_at bigint NOT NULL,
    type text NOT NULL,
    actor text NOT NULL,
    alarm_id text NOT NULL,
    alarm jsonb NOT NULL                               -- as it stood after this event
);

CREATE INDEX alarm_transition_of ON alarm_transition (alarm_id, position);

CREATE TABLE device_state (
    device text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('online', 'offline')),
    since bigint NOT NULL,                             -- µs UTC
    reason text NOT NULL,
    position bigint NOT NULL
);
