-- A gap of many points (a scan class that was skipped) has more of them than a key of an index can hold; then no batch
-- could be stored any more. Their hash names them instead.

ALTER TABLE gap ADD COLUMN points_key bigint GENERATED ALWAYS AS (hash_array_extended(point_ids, 0)) STORED;
ALTER TABLE gap DROP CONSTRAINT gap_pkey;
ALTER TABLE gap ADD PRIMARY KEY (source, device, cause, since, points_key);
DROP INDEX gap_order;
CREATE INDEX gap_order ON gap (since DESC, source, device, cause, points_key);
