-- name: first_event_at
SELECT recorded_at FROM event ORDER BY position LIMIT 1;

-- name: last_event_before
-- From the newest on: times never go back in the log, and the answer is seldom far.
SELECT position, hash FROM event WHERE recorded_at < $1 ORDER BY position DESC LIMIT 1;
