-- What counters counted, and figures that changed after they were told (docs/adr/0072-counters-and-restatements.md).
-- Times are µs UTC.

CREATE TABLE counter_step (
    point_id integer NOT NULL,
    at bigint NOT NULL,                   -- time of the sample that the step ends with
    before bigint NOT NULL,               -- time of the good sample before it
    kind text NOT NULL,
    state text NOT NULL,
    from_value double precision NOT NULL,
    to_value double precision NOT NULL,
    correction double precision NOT NULL, -- what it counts = to_value - from_value + correction
    known_from bigint NOT NULL,
    known_until bigint,                   -- none: it stands
    PRIMARY KEY (point_id, at, known_from)
);
COMMENT ON TABLE counter_step IS 'Steps of counters that count something else than the difference of their readings';
CREATE INDEX counter_step_waiting ON counter_step (at DESC, point_id)
    WHERE known_until IS NULL AND state = 'quarantined';

CREATE TABLE counter_word (
    position bigint PRIMARY KEY,          -- of the event
    point_id integer NOT NULL,
    at bigint NOT NULL,
    decision text,                        -- none: an exchange
    last_old double precision,
    first_new double precision,
    recorded_at bigint NOT NULL,
    CHECK ((decision IS NULL) = (last_old IS NOT NULL AND first_new IS NOT NULL))
);
COMMENT ON TABLE counter_word IS 'What people said about counters: meters exchanged, doubtful steps decided';
CREATE INDEX counter_word_point ON counter_word (point_id, at);

ALTER TABLE rollup_dirty ADD COLUMN why text, ADD COLUMN closed_through bigint;
COMMENT ON COLUMN rollup_dirty.why IS 'For what reason figures will have changed; none: nobody need be told';
COMMENT ON COLUMN rollup_dirty.closed_through IS 'What was closed when the hour was marked: other figures were not told yet';

CREATE TABLE restatement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    restated_at bigint NOT NULL,
    why text NOT NULL,
    level text NOT NULL,                  -- 1h, 1d
    bucket bigint NOT NULL,               -- begin and end of the interval
    bucket_end bigint NOT NULL,
    point_id integer NOT NULL,
    old_count integer NOT NULL,
    new_count integer NOT NULL,
    old_good_us bigint NOT NULL,
    new_good_us bigint NOT NULL,
    old_mean double precision,            -- none: nothing was known
    new_mean double precision,
    old_delta double precision,
    new_delta double precision
);
COMMENT ON TABLE restatement IS 'Figures of closed hours and days that changed: what was told before, and what stands now';
CREATE INDEX restatement_point ON restatement (point_id, bucket);
CREATE INDEX restatement_bucket ON restatement (bucket);

CREATE TABLE counter_told (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    position bigint NOT NULL,             -- of the event log, up to which the stream was read
    version bigint NOT NULL,              -- of the stream
    through bigint NOT NULL               -- newest restatement in it
);
INSERT INTO counter_told (position, version, through) VALUES (0, 0, 0);
COMMENT ON TABLE counter_told IS 'Which restatements are in the event log';

CREATE TABLE counter_noticed (
    point_id integer PRIMARY KEY
);
COMMENT ON TABLE counter_noticed IS 'Counters of which an alarm was asked for, because a step of theirs is in quarantine';
