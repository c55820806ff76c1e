-- The register of energy conservation measures (docs/adr/0084-energy-comparison.md): the fold of each measure's stream.

CREATE TABLE energy_measure (
    measure text PRIMARY KEY,             -- ECM-104-01
    status text NOT NULL,                 -- proposed, approved, in_place, verified, closed, withdrawn
    commodity text NOT NULL,
    proposed_position bigint NOT NULL,    -- of the event that proposed it
    position bigint NOT NULL,             -- of its newest event
    record jsonb NOT NULL                 -- all of it, as the domain folds it
);
COMMENT ON TABLE energy_measure IS 'Energy conservation measures: promised, measured and verified savings';
CREATE UNIQUE INDEX energy_measure_newest ON energy_measure (proposed_position);
