-- Commands to the plant. All three tables follow from the event log alone.

CREATE TABLE command_point (
    point    text PRIMARY KEY,
    position bigint NOT NULL,
    control  jsonb NOT NULL
);

CREATE TABLE command (
    command         text PRIMARY KEY,
    opened_position bigint NOT NULL UNIQUE,
    point           text NOT NULL,
    state           text NOT NULL,
    priority        integer NOT NULL,
    detail          jsonb NOT NULL
);
CREATE INDEX command_of_point ON command (point, opened_position DESC);
CREATE INDEX command_open ON command (opened_position DESC)
    WHERE state IN ('SELECTED', 'PROPOSED', 'REQUESTED', 'ATTEMPTED', 'WRITTEN');

-- Who holds what: few beside the commands there ever were.
CREATE TABLE command_slot (
    point    text NOT NULL,
    priority integer NOT NULL,
    until    bigint,
    slot     jsonb NOT NULL,
    PRIMARY KEY (point, priority)
);
CREATE INDEX command_slot_ends ON command_slot (until) WHERE until IS NOT NULL;
