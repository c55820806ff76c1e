-- name: create_tables
CREATE TABLE IF NOT EXISTS migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS migration_profile (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    profile text NOT NULL CHECK (profile IN ('postgres', 'timescale'))
);

-- name: lock
SELECT pg_advisory_lock($1);

-- name: profile
SELECT profile FROM migration_profile;

-- name: choose_profile
INSERT INTO migration_profile (profile) VALUES ($1);

-- name: timescale
-- The second setting exists only where the server loads TimescaleDB at its start, without which it cannot be created.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') AS created,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
           AND current_setting('timescaledb.disable_load', true) IS NOT NULL AS offered;

-- name: create_timescale
CREATE EXTENSION IF NOT EXISTS timescaledb;

-- name: applied
SELECT number, name, sha256 FROM migration ORDER BY number;

-- name: record
INSERT INTO migration (number, name, sha256) VALUES ($1, $2, $3);
