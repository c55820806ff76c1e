-- name: plan
-- Each search is planned for what it asks: a plan for every search would read everything for the narrowest.
SET LOCAL plan_cache_mode = force_custom_plan;

-- name: search
-- $6 is the prefix of streams with its last character, "/", replaced by the one that follows it, "0"; none for one stream.
SELECT position, recorded_at, stream, version, type, actor, payload, prev_hash, hash FROM event
WHERE ($1::bigint IS NULL OR position > $1)
  AND ($2::bigint IS NULL OR position <= $2)
  AND ($3::text[] IS NULL OR type = ANY ($3))
  AND ($4::text IS NULL OR actor = $4)
  AND ($5::text IS NULL OR (stream COLLATE "C" >= $5 AND stream COLLATE "C" < coalesce($6, $5 || chr(1))))
  AND ($7::text[] IS NULL OR actor <> ALL ($7))
  AND ($8::text IS NULL OR strpos(lower(stream), lower($8)) > 0 OR strpos(lower(payload::text), lower($8)) > 0)
ORDER BY position DESC
LIMIT $9;

-- name: end
SELECT coalesce(max(position), 0) FROM event;
