-- name: tables
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e');

-- name: heads
-- What a copy must have when it is loaded again.
SELECT (SELECT position FROM event ORDER BY position DESC LIMIT 1) AS position,
       (SELECT encode(hash, 'hex') FROM event ORDER BY position DESC LIMIT 1) AS hash,
       (SELECT position FROM ingest_position) AS telemetry,
       (SELECT array_agg(number ORDER BY number) FROM migration) AS steps,
       (SELECT profile FROM migration_profile) AS profile;

-- name: snapshot
SELECT pg_export_snapshot();

-- name: begin_timescale
CREATE EXTENSION IF NOT EXISTS timescaledb;
SELECT timescaledb_pre_restore();

-- name: end_timescale
SELECT timescaledb_post_restore();
