-- The log of every decision. The writer gives positions under an advisory lock, so that they are gap-free and become
-- visible in order: a sequence would hand them out before commit, and a reader that tails the log would skip some.

CREATE TABLE event (
    position bigint PRIMARY KEY CHECK (position > 0),
    recorded_at bigint NOT NULL,                       -- µs UTC, never before that of the previous position
    stream text NOT NULL,
    version integer NOT NULL CHECK (version > 0),      -- gap-free within the stream
    type text NOT NULL,
    actor text NOT NULL,
    payload json NOT NULL,                             -- json, not jsonb: it keeps the very text that was hashed
    prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- "C" lets the same index find a stream by name and all streams with a prefix.
CREATE UNIQUE INDEX event_stream_version ON event (stream COLLATE "C", version);

COMMENT ON TABLE event IS 'Every decision, for ever; hash-chained by position';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Fires even where replication switched ordinary triggers off.
ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_append_only;

CREATE TABLE checkpoint (
    name text PRIMARY KEY,
    position bigint NOT NULL,
    state bytea NOT NULL
);

COMMENT ON TABLE checkpoint IS 'How far each reader of the telemetry log has come; moves with the events it appends';
