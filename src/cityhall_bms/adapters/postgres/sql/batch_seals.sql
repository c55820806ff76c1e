-- name: chains
SELECT source, chain, number, hash FROM batch_chain;

-- name: newest
SELECT coalesce(max(recorded_at), -9223372036854775808) FROM batch_seal;

-- name: add_chain
INSERT INTO batch_chain (source) VALUES ($1) RETURNING chain;

-- name: sealed_before
-- Times that have samples of other batches already, and what those span.
SELECT recorded_at, min(first) AS first, max(last) AS last
FROM batch_seal WHERE recorded_at = ANY ($1::bigint[]) AND samples > 0 GROUP BY recorded_at;

-- name: add
WITH added AS (
    INSERT INTO batch_seal (chain, number, epoch, sequence, recorded_at, first, last, samples, digest, hash)
    SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                         $7::bigint[], $8::integer[], $9::bytea[], $10::bytea[])
)
UPDATE batch_chain c SET number = head.number, hash = head.hash
FROM unnest($11::integer[], $12::bigint[], $13::bytea[]) AS head (chain, number, hash)
WHERE c.chain = head.chain;

-- name: samples_recorded_at
-- Every sample recorded at a time, also those that no longer stand.
SELECT u.point, s.observed_at, s.recorded_at, u.value,
       coalesce(get_byte(s.quality, u.ordinal::integer - 1), 0)::smallint AS quality
FROM scan s
LEFT JOIN point_set p ON p.set_id = s.set_id
CROSS JOIN LATERAL unnest(coalesce(s.point_ids, p.point_ids), s."values") WITH ORDINALITY AS u (point, value, ordinal)
WHERE s.observed_at >= $1::timestamptz AND s.observed_at <= $2::timestamptz AND s.recorded_at = $3::timestamptz;
