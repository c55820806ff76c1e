-- Maintenance (docs/adr/0094-maintenance.md): the fold of the stream of every work order, patrol round, finding, fire
-- test and asset. Times are µs UTC.

CREATE TABLE maintenance_record (
    kind text NOT NULL,                   -- order, round, finding, fire_test, asset
    name text NOT NULL,                   -- day and number, the phone's name of a round, the tag of an asset
    state text NOT NULL,
    sort text NOT NULL,                   -- kind of an order, category of a finding, plan of a test, class of an asset
    subject text NOT NULL,                -- what it is about: an alarm, plan/equipment, a round
    reference text NOT NULL,              -- the one occasion
    equipment text NOT NULL,
    at bigint NOT NULL,                   -- when it began
    done_at bigint,                       -- when its work was done; none: not yet
    ended boolean NOT NULL,
    opened_position bigint NOT NULL,      -- of its first event
    position bigint NOT NULL,             -- of its newest event
    record jsonb NOT NULL,                -- all of it, as the domain folds it
    PRIMARY KEY (kind, name)
);
COMMENT ON TABLE maintenance_record IS 'Work orders, patrol rounds and findings, fire tests, assets';
CREATE INDEX maintenance_record_newest ON maintenance_record (kind, opened_position);
CREATE INDEX maintenance_record_subject ON maintenance_record (kind, subject, opened_position);
CREATE INDEX maintenance_record_open ON maintenance_record (kind, opened_position) WHERE NOT ended;
