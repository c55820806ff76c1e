-- Baselines of meters and what changed besides (docs/adr/0088-baselines-and-savings.md): the fold of each stream.

CREATE TABLE energy_baseline (
    baseline text PRIMARY KEY,
    meter text NOT NULL,
    adopted_position bigint,              -- of the event that adopted it last; none: nobody did
    fitted_position bigint NOT NULL,      -- of the event that fitted it
    position bigint NOT NULL,             -- of its newest event
    record jsonb NOT NULL                 -- all of it, as the domain folds it
);
COMMENT ON TABLE energy_baseline IS 'Models of what a meter would have counted: fitted, judged, adopted';
CREATE UNIQUE INDEX energy_baseline_newest ON energy_baseline (fitted_position);
CREATE INDEX energy_baseline_in_force ON energy_baseline (meter, adopted_position) WHERE adopted_position IS NOT NULL;

CREATE TABLE energy_adjustment (
    adjustment text PRIMARY KEY,
    meter text NOT NULL,
    begin bigint NOT NULL,                -- µs UTC
    until bigint,                         -- excluded; none: it lasts
    made_position bigint NOT NULL,
    position bigint NOT NULL,
    record jsonb NOT NULL
);
COMMENT ON TABLE energy_adjustment IS 'Use that is no part of a baseline: new tenants, chargers, works';
CREATE UNIQUE INDEX energy_adjustment_newest ON energy_adjustment (made_position);
CREATE INDEX energy_adjustment_meter ON energy_adjustment (meter, begin);
