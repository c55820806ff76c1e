-- name: lock
SELECT pg_try_advisory_lock($1);

-- name: unlock
SELECT pg_advisory_unlock($1);

-- name: home
SELECT quote_ident(current_schema());

-- name: search
SELECT set_config('search_path', $1, true);
