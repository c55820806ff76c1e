-- What makes accounts work (docs/adr/0091-access.md). The accounts themselves are events; here are only hashes, and
-- nothing here is ever exported. Times are µs UTC; accounts are named by their keys.

CREATE TABLE access_password (
    account text PRIMARY KEY,
    hash text NOT NULL,                   -- argon2id, with its salt and parameters
    before text[] NOT NULL,               -- the ones before it, the newest first
    failures integer NOT NULL DEFAULT 0,  -- wrong passwords in a row
    changed_at bigint NOT NULL
);
COMMENT ON TABLE access_password IS 'Hashes of passwords';

CREATE TABLE access_session (
    digest bytea PRIMARY KEY,             -- SHA-256 of the cookie's value
    session text NOT NULL UNIQUE,         -- name for lists and events; opens nothing
    account text NOT NULL,
    begun_at bigint NOT NULL,
    active_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    idle_us bigint,                       -- null: a wall view, which does not idle out
    address text NOT NULL,
    agent text NOT NULL,
    by text NOT NULL
);
COMMENT ON TABLE access_session IS 'Open sessions of people';
CREATE INDEX access_session_account ON access_session (account);

CREATE TABLE access_token (
    digest bytea PRIMARY KEY,             -- SHA-256 of the token
    token text NOT NULL UNIQUE,
    account text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    made_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at bigint
);
COMMENT ON TABLE access_token IS 'Tokens of programs';
CREATE INDEX access_token_account ON access_token (account);

CREATE TABLE access_invitation (
    digest bytea PRIMARY KEY,             -- SHA-256 of the link's secret
    account text NOT NULL UNIQUE,
    expires_at bigint NOT NULL,
    enters boolean NOT NULL
);
COMMENT ON TABLE access_invitation IS 'Invitations that nobody used yet';
