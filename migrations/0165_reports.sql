-- Reports that were asked for and made (docs/adr/0090-reports.md); all of it follows from the event log.

CREATE TABLE report (
    report text PRIMARY KEY,              -- schedule and period, or when somebody asked: monthly-104-06
    kind text NOT NULL,
    first date NOT NULL,
    until date NOT NULL,                  -- excluded
    known_at bigint NOT NULL,
    formats text[] NOT NULL,
    language text NOT NULL,
    provisional boolean NOT NULL,
    asked_by text NOT NULL,
    asked_at bigint NOT NULL,
    schedule text NOT NULL,               -- empty: somebody asked
    state text NOT NULL,
    files jsonb NOT NULL,                 -- form, name, bytes, rows, digests of each
    reason text NOT NULL,
    ended_at bigint,
    version integer NOT NULL,
    position bigint NOT NULL              -- at which it was asked for
);
COMMENT ON TABLE report IS 'Reports: what was asked for, and the files that were made';
CREATE UNIQUE INDEX report_newest ON report (position);
CREATE INDEX report_waiting ON report (position) WHERE state = 'asked';
