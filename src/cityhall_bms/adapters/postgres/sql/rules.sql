-- name: load
SELECT rule, record FROM rule_record WHERE rule = ANY($1::text[]);

-- name: store
INSERT INTO rule_record (rule, position, record)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::jsonb[])
ON CONFLICT (rule) DO UPDATE SET position = excluded.position, record = excluded.record;

-- name: all
SELECT rule, record FROM rule_record ORDER BY rule;

-- name: get
SELECT record FROM rule_record WHERE rule = $1;

-- A draft that becomes more or less urgent goes on with the same occurrence.
-- name: shadow_raised
INSERT INTO shadow_occurrence (position, rule, fingerprint, subject, priority, began)
SELECT $1, $2, $3, $4, $5, $6
WHERE NOT EXISTS (SELECT FROM shadow_occurrence WHERE rule = $2 AND subject = $4 AND ended IS NULL);

-- name: shadow_changed
UPDATE shadow_occurrence SET priority = least(priority, $3) WHERE rule = $1 AND subject = $2 AND ended IS NULL;

-- name: shadow_returned
UPDATE shadow_occurrence SET ended = greatest($3, began) WHERE rule = $1 AND subject = $2 AND ended IS NULL;

-- name: shadow_days
SELECT
    to_char(to_timestamp(began / 1e6) AT TIME ZONE $3, 'YYYY-MM-DD') AS day,
    count(*) AS raised,
    count(DISTINCT subject) AS subjects,
    (sum(coalesce(ended, greatest($4::bigint, began)) - began) / 1e6)::double precision AS standing_s
FROM shadow_occurrence
WHERE rule = $1 AND fingerprint = $2
GROUP BY 1 ORDER BY 1;
