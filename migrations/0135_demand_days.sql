-- The greatest quarter hour of every day, kept of powers (docs/adr/0085-demand.md): demand maxima of a year are the
-- greatest of 365 numbers, and not a search through 35,040 quarters. A row goes with the daily rollups that it was
-- found in, and upkeep makes it again.

CREATE TABLE demand_set (
    set_id bigint PRIMARY KEY,
    point_ids integer[] NOT NULL
);
COMMENT ON TABLE demand_set IS 'Points whose quarters are kept together, ascending; named by their content, never changed';

CREATE TABLE demand_day (
    day timestamptz PRIMARY KEY,          -- begin of a day of the building's time zone
    set_id bigint NOT NULL REFERENCES demand_set,
    value double precision[] NOT NULL,    -- greatest mean of a quarter hour, per point of the set; NaN: nothing known
    quarter smallint[] NOT NULL,          -- which quarter of the day that was, from 0; of equal ones the earliest
    good_us bigint[] NOT NULL             -- time for which a good value stood in it
);
COMMENT ON TABLE demand_day IS 'Greatest quarter hour of each day that is over, per point';
