-- What devices really sent, for some days, so that a wrong decode can be put right for the past too
-- (docs/adr/0061-gap-ledger-and-raw-registers.md). Plain on both profiles: a device fills one row an hour, and whole
-- days of so few rows are deleted in a moment.

CREATE TABLE raw_scan (
    hour timestamptz NOT NULL,        -- hour of UTC in which the scans were made
    device text NOT NULL,
    packed boolean NOT NULL,          -- the hour is over, and its scans lie in one row
    data bytea NOT NULL               -- scans as historian/raw_packing.py packs them
);
-- It is deflated already.
ALTER TABLE raw_scan ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX raw_scan_hour ON raw_scan (hour, device);
CREATE INDEX raw_scan_loose ON raw_scan (hour) WHERE NOT packed;
-- Rows are written every second and packed after an hour: let the dead ones go early.
ALTER TABLE raw_scan SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE raw_scan IS 'What devices sent, scan by scan, for historian.raw_days days';

-- How a point was described before its description changed: with which encoding its samples were made.
CREATE TABLE point_past (
    point_id integer NOT NULL REFERENCES point,
    until timestamptz NOT NULL,
    description jsonb NOT NULL
);
CREATE INDEX point_past_of ON point_past (point_id, until);
COMMENT ON TABLE point_past IS 'Former descriptions of points';
