-- Exports (docs/adr/0068-exports-that-prove-themselves.md): what was asked for, how far it is, and its manifest.

CREATE TABLE export (
    id text COLLATE "C" PRIMARY KEY,  -- begins with the time of asking, so that its order is that of the exports
    kind text NOT NULL,
    actor text NOT NULL,
    asked_at bigint NOT NULL,         -- µs UTC
    query jsonb NOT NULL,
    context jsonb NOT NULL,
    state text NOT NULL,
    done_through bigint,              -- µs UTC; the file on disk is whole until then
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    sha256 text,
    reason text NOT NULL DEFAULT '',
    manifest text,                    -- text, not jsonb: it keeps the very bytes that were signed
    ended_at bigint                   -- µs UTC
);
CREATE INDEX export_open ON export (id) WHERE state IN ('waiting', 'running');
COMMENT ON TABLE export IS 'Files that were asked for, and the manifests of those that left the house';

-- "As known at a time" must stay what it was: what is stored later counts as recorded later.
CREATE TABLE known_through (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    at bigint NOT NULL                -- µs UTC
);
COMMENT ON TABLE known_through IS 'Latest as_known_at that was ever exported; scans that are stored later are recorded later';
