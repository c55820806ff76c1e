-- The day with whose signature a gap was sealed. From then on it stays as it is.
ALTER TABLE gap ADD COLUMN sealed_on date;
CREATE INDEX gap_sealed ON gap (sealed_on);
COMMENT ON COLUMN gap.sealed_on IS 'Local day of the signature (DaySealed) that covers this gap; none before it';
