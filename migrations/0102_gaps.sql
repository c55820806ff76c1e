-- The gap ledger: every poll that gave no value, with its reason. Written by the historian in the transaction that
-- stores the batch which reports it; a report replaces the one before of the same gap.

CREATE TABLE gap (
    source text NOT NULL,                              -- collector that reported it
    device text NOT NULL,                              -- empty: the whole collector
    cause text NOT NULL,
    since bigint NOT NULL,                             -- µs UTC
    point_ids integer[] NOT NULL,                      -- empty: all points of the device
    until bigint,                                      -- µs UTC; none while it lasts
    polls bigint NOT NULL,
    epoch bigint NOT NULL,                             -- life of the collector that reported it last
    reported_at bigint NOT NULL,                       -- µs UTC
    PRIMARY KEY (source, device, cause, since, point_ids)
);
CREATE INDEX gap_order ON gap (since DESC, source, device, cause, point_ids);
CREATE INDEX gap_device ON gap (device, since DESC);
CREATE INDEX gap_open ON gap (source, epoch) WHERE until IS NULL;
CREATE INDEX gap_points ON gap USING gin (point_ids) WHERE point_ids <> '{}';
COMMENT ON TABLE gap IS 'Gap ledger: polls that gave no value, and why';

-- When the batches that are missing were made, as their neighbours tell.
ALTER TABLE ingest_gap ADD COLUMN since bigint, ADD COLUMN until bigint;
