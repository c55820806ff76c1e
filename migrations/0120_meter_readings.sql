-- Readings that people enter (docs/adr/0083-meters-and-readings.md). Times are µs UTC.

CREATE TABLE meter_reading (
    meter text NOT NULL,
    number integer NOT NULL,              -- of the meter's entries
    begin bigint NOT NULL,
    until bigint NOT NULL,
    amount double precision NOT NULL,     -- in the unit of the meter's commodity
    state text NOT NULL,                  -- pending, approved, rejected, superseded
    note text NOT NULL,
    corrects integer NOT NULL,            -- number of the entry that it replaces; 0: none
    source text NOT NULL,                 -- SHA-256 of the file that it was read from; empty: typed
    document_sha256 text NOT NULL,        -- empty: none
    document_name text NOT NULL,
    document_type text NOT NULL,
    document_bytes bigint NOT NULL,
    entered_by text NOT NULL,
    entered_at bigint NOT NULL,
    entered_position bigint NOT NULL,
    decided_by text NOT NULL,
    decided_at bigint,
    comment text NOT NULL,
    counts_from bigint,                   -- when its approval was recorded
    counts_until bigint,                  -- when that of its correction was
    PRIMARY KEY (meter, number)
);
COMMENT ON TABLE meter_reading IS 'Amounts of meters that people read: entered, approved, corrected';
CREATE UNIQUE INDEX meter_reading_newest ON meter_reading (entered_position);
CREATE INDEX meter_reading_counts ON meter_reading (meter, until) WHERE counts_from IS NOT NULL;
