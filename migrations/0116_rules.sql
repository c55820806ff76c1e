-- Rules that people change (docs/adr/0080-rules-tested-before-they-ring.md).

CREATE TABLE rule_record (
    rule text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    record jsonb NOT NULL
);
COMMENT ON TABLE rule_record IS 'The fold of every rule''s stream: what rings, draft, backtest, shadow, promotion';

-- A row for each occurrence that a draft would have rung.
CREATE TABLE shadow_occurrence (
    position bigint PRIMARY KEY,
    rule text NOT NULL,
    fingerprint text NOT NULL,
    subject text NOT NULL,
    priority smallint NOT NULL,
    began bigint NOT NULL,            -- µs UTC
    ended bigint                      -- µs UTC
);
CREATE INDEX shadow_occurrence_of_rule ON shadow_occurrence (rule, fingerprint, began);
CREATE INDEX shadow_occurrence_standing ON shadow_occurrence (rule, subject) WHERE ended IS NULL;
COMMENT ON TABLE shadow_occurrence IS 'What drafts that run beside the active rules would have rung';

CREATE TABLE backtest (
    id text COLLATE "C" PRIMARY KEY,  -- begins with the time of asking, so that its order is that of the tests
    rule text NOT NULL,
    fingerprint text NOT NULL,
    actor text NOT NULL,
    asked_at bigint NOT NULL,         -- µs UTC
    question jsonb NOT NULL,
    state text NOT NULL,
    progress double precision NOT NULL DEFAULT 0,
    digest text,
    summary jsonb,
    result text,                      -- text, not jsonb: its SHA-256 is the digest
    reason text NOT NULL DEFAULT '',
    ended_at bigint                   -- µs UTC
);
CREATE INDEX backtest_open ON backtest (id) WHERE state IN ('waiting', 'running');
CREATE INDEX backtest_of_rule ON backtest (rule, id);
COMMENT ON TABLE backtest IS 'Tests of rules on history: what was asked for, how far it is, and the result';
