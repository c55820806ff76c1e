-- What rang at the operators' consoles, narrow enough to figure years of it. A projection of the event log.

CREATE TABLE annunciated_alarm (
    number bigint PRIMARY KEY,                         -- position of the event by which it first rang
    alarm_id text NOT NULL UNIQUE
);

CREATE TABLE annunciation (
    position bigint PRIMARY KEY,                       -- event by which it rang
    at bigint NOT NULL,                                -- µs UTC, when that was recorded
    alarm bigint NOT NULL,                             -- number in annunciated_alarm
    occurrence integer NOT NULL,
    priority smallint NOT NULL,
    system text NOT NULL,
    equipment text NOT NULL,
    began bigint NOT NULL,                             -- µs UTC by the source; the greatest bigint = never, below too
    ended bigint NOT NULL,
    acknowledged bigint NOT NULL,                      -- acknowledged or put aside by an operator
    again boolean NOT NULL,                            -- rang once more for the same occurrence
    late boolean NOT NULL,                             -- found in late data: rang nowhere
    drill boolean NOT NULL,
    withdrawn boolean NOT NULL,                        -- suppressed by design before anybody took note
    waiting boolean NOT NULL                           -- somebody is still asked to take note
);

CREATE INDEX annunciation_at ON annunciation (at) WHERE NOT late;
CREATE INDEX annunciation_late ON annunciation (began) WHERE late;
-- The few that stood for more than a day, or still stand: they reach into stretches long after they rang.
CREATE INDEX annunciation_long ON annunciation (ended) WHERE NOT late AND ended - began > 86400000000;
CREATE INDEX annunciation_standing ON annunciation (alarm) WHERE ended = 9223372036854775807;
CREATE INDEX annunciation_waiting ON annunciation (alarm) WHERE waiting;

CREATE TABLE unauthorised_hiding (
    position bigint PRIMARY KEY,                       -- event by which an alarm was hidden against the rules
    at bigint NOT NULL,                                -- µs UTC, when that was recorded
    alarm_id text NOT NULL,
    priority smallint NOT NULL,
    system text NOT NULL,
    equipment text NOT NULL
);

CREATE INDEX unauthorised_hiding_at ON unauthorised_hiding (at);
