-- Who of several processes does a job that only one may do (docs/adr/0070-leases-and-fences.md).

CREATE TABLE lease (
    name text PRIMARY KEY,
    holder text NOT NULL,                 -- empty: it was given back
    token bigint NOT NULL,                -- grows by one with every change of hands
    beat bigint NOT NULL,                 -- grows with every sign of life
    backend integer NOT NULL,             -- the holder's session, which dies with it
    backend_start timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE lease IS 'Who does what only one process may do, and the token that fences its predecessors off';

CREATE FUNCTION lease_lock_key(lease_name text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT hashtext(lease_name) & 2147483647
$$;

-- Two statements, so that the token is read after the lock was waited for.
CREATE FUNCTION lease_token(lease_name text) RETURNS bigint LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7310, lease_lock_key(lease_name));
    RETURN (SELECT token FROM lease WHERE name = lease_name);
END
$$;
COMMENT ON FUNCTION lease_token IS 'Token in force, which nobody can change until the end of this transaction';
