-- name: enter
INSERT INTO meter_reading (meter, number, begin, until, amount, state, note, corrects, source, document_sha256,
                           document_name, document_type, document_bytes, entered_by, entered_at, entered_position,
                           decided_by, comment)
VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, '', '')
ON CONFLICT (meter, number) DO NOTHING;

-- name: approve
UPDATE meter_reading
SET state = 'approved', decided_by = $3, decided_at = $4, comment = $5, counts_from = $6
WHERE meter = $1 AND number = $2 AND state = 'pending';

-- name: supersede
-- What the approved one corrects.
UPDATE meter_reading AS old
SET state = 'superseded', counts_until = $3
FROM meter_reading AS correction
WHERE correction.meter = $1 AND correction.number = $2 AND correction.corrects > 0
  AND old.meter = correction.meter AND old.number = correction.corrects AND old.state = 'approved';

-- name: reject
UPDATE meter_reading SET state = 'rejected', decided_by = $3, decided_at = $4, comment = $5
WHERE meter = $1 AND number = $2 AND state = 'pending';

-- name: page
SELECT * FROM meter_reading
WHERE ($1::text = '' OR meter = $1)
  AND ($2::text IS NULL OR state = $2)
  AND ($3::bigint IS NULL OR entered_position < $3)
ORDER BY entered_position DESC
LIMIT $4;

-- name: get
SELECT * FROM meter_reading WHERE meter = $1 AND number = $2;

-- name: counting
SELECT meter, begin, until, amount FROM meter_reading
WHERE meter = ANY($1::text[]) AND until > $2 AND begin < $3
  AND counts_from <= $4 AND (counts_until IS NULL OR counts_until > $4)
ORDER BY meter, begin;
