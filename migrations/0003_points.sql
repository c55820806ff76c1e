-- Points and devices as they are in service. A point keeps its number for ever, also while it is out of service:
-- its samples carry nothing else.

CREATE TABLE point (
    point_id integer PRIMARY KEY CHECK (point_id > 0),
    name text NOT NULL UNIQUE,
    in_service boolean NOT NULL,
    fingerprint text NOT NULL,                         -- SHA-256 of the description
    description jsonb NOT NULL
);

CREATE TABLE site_device (
    name text PRIMARY KEY,
    fingerprint text NOT NULL
);
