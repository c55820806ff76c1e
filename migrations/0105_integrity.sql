-- Seals of telemetry batches (docs/reference/integrity.md): written with the scans, never changed.

CREATE TABLE batch_chain (
    chain integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL UNIQUE,
    number bigint NOT NULL DEFAULT 0,          -- of the newest seal
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE batch_chain IS 'Sources of telemetry, and the newest seal of each';

CREATE TABLE batch_seal (
    number bigint NOT NULL CHECK (number > 0), -- gap-free within the chain
    epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    recorded_at bigint NOT NULL,               -- µs UTC, as in scan
    first bigint NOT NULL,                     -- µs UTC of the oldest and the newest sample of that recorded_at
    last bigint NOT NULL,
    chain integer NOT NULL REFERENCES batch_chain,
    samples integer NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (chain, number)
);
CREATE INDEX batch_seal_time ON batch_seal (recorded_at);
-- Seals are written nearly in order of time: this finds those that reach into a time, and costs next to nothing.
CREATE INDEX batch_seal_span ON batch_seal USING brin (first, last) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE batch_seal IS 'Every telemetry batch taken: digest of its samples, chained per source';

CREATE TRIGGER batch_seal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON batch_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE batch_seal ENABLE ALWAYS TRIGGER batch_seal_is_append_only;

CREATE TABLE sealed_since (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    recorded_at bigint NOT NULL
);
COMMENT ON TABLE sealed_since IS 'Samples recorded later have seals (µs UTC); older ones came before there were any';
INSERT INTO sealed_since (recorded_at)
SELECT CASE WHEN EXISTS (SELECT FROM scan) THEN (extract(epoch FROM now()) * 1000000)::bigint
            ELSE -9223372036854775808 END;
