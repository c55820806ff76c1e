-- name: add
INSERT INTO report (report, kind, first, until, known_at, formats, language, provisional, asked_by, asked_at, schedule,
                    state, files, reason, version, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'asked', '[]', '', 1, $12)
ON CONFLICT (report) DO NOTHING;

-- name: end
UPDATE report SET state = $2, files = $3, reason = $4, ended_at = $5, version = $6
WHERE report = $1 AND state = 'asked';

-- name: page
SELECT * FROM report WHERE ($1::bigint IS NULL OR position < $1) ORDER BY position DESC LIMIT $2;

-- name: waiting
SELECT * FROM report WHERE state = 'asked' ORDER BY position LIMIT $1;
