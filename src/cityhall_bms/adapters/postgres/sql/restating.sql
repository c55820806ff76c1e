-- name: held
-- What a point was at a time: the description that was replaced next after it, else the present one.
SELECT p.point_id, coalesce(past.description, p.description) ->> 'address' AS address,
       coalesce(past.description, p.description) -> 'encoding' AS encoding
FROM point p
LEFT JOIN LATERAL (
    SELECT description FROM point_past
    WHERE point_past.point_id = p.point_id AND until > $2::timestamptz
    ORDER BY until LIMIT 1
) AS past ON true
WHERE p.point_id = ANY ($1::integer[]);
