-- The day with whose signature packed scans were sealed. From then on they stay as they are, until they are let go of.
ALTER TABLE raw_scan ADD COLUMN sealed_on date;
CREATE INDEX raw_scan_sealed ON raw_scan (sealed_on, hour);
COMMENT ON COLUMN raw_scan.sealed_on IS 'Local day of the signature (DaySealed) that covers these scans; none before it';
