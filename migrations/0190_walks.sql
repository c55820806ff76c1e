-- Walks of commissioning (docs/adr/0096-trends-and-tables.md); all of it follows from the event log.

CREATE TABLE walk (
    equipment text PRIMARY KEY,
    signed_by text NOT NULL,              -- empty: nobody took it over, or it was checked again since
    signed_at bigint,
    note text NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL
);
COMMENT ON TABLE walk IS 'Equipment whose points were checked at the machine, and who took it over';

CREATE TABLE walked_point (
    point text PRIMARY KEY,
    equipment text NOT NULL REFERENCES walk,
    passed boolean NOT NULL,
    note text NOT NULL,
    seen double precision,                -- what the service showed then; null: it knew nothing
    checked_by text NOT NULL,
    checked_at bigint NOT NULL
);
COMMENT ON TABLE walked_point IS 'The last check of each point at its machine';
CREATE INDEX walked_point_of ON walked_point (equipment);
