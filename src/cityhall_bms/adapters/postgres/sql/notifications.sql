-- name: get
SELECT * FROM notification WHERE notification = $1;

-- name: put
INSERT INTO notification (notification, occasion, person, channel, "group", priority, alarm, occurrence, level, title,
                          text, queued_at, due, state, attempts, may_repeat, attempted_at, ended_at, reason, version,
                          position, queued_position, acknowledged_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21, '')
ON CONFLICT (notification) DO UPDATE
SET due = $13, state = $14, attempts = $15, may_repeat = $16, attempted_at = $17, ended_at = $18, reason = $19,
    version = $20, position = $21;

-- name: acknowledged
-- Whatever was told of the alarm before is answered by it; what is queued afterwards is about another ring.
UPDATE notification SET acknowledged_by = $2, acknowledged_at = $3
WHERE alarm = $1 AND acknowledged_at IS NULL AND alarm <> '';

-- name: page
SELECT * FROM notification
WHERE ($1::text IS NULL OR alarm = $1)
  AND ($2::text IS NULL OR person = $2)
  AND ($3::text IS NULL OR state = $3)
  AND ($4::bigint IS NULL OR queued_position < $4)
ORDER BY queued_position DESC
LIMIT $5;
