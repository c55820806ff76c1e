-- What people write down about indoor air (docs/adr/0089-air-water-label.md). Times are µs UTC.

CREATE TABLE air_entry (
    position bigint PRIMARY KEY,          -- of its event
    recorded_at bigint NOT NULL,
    kind text NOT NULL,                   -- sample, inspection, action
    place text NOT NULL,                  -- where a sample was taken; equipment of an action; empty for an inspection
    name text NOT NULL,                   -- bacteria, fungi; walk_through, test; role of an action
    value double precision,               -- of a sample
    unit text NOT NULL,
    moment bigint NOT NULL,               -- of the sample, the day's beginning, or a moment of the exceedance
    method text NOT NULL,
    report text NOT NULL,
    note text NOT NULL,
    by text NOT NULL,
    withdrawn_at bigint,                  -- recorded_at of the event that withdrew it
    withdrawn_by text NOT NULL DEFAULT '',
    withdrawn_why text NOT NULL DEFAULT ''
);
COMMENT ON TABLE air_entry IS 'Samples of air, inspections, and what was done about exceedances';
CREATE INDEX air_entry_kind ON air_entry (kind, position);
CREATE INDEX air_entry_moment ON air_entry (kind, moment);
