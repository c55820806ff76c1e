-- What queries about the past need (docs/adr/0069-answers-as-known-then.md).

-- A day's samples are nearly all recorded on that day: where nothing was, one look at each range of pages says so.
CREATE INDEX scan_recorded ON scan USING brin (recorded_at) WITH (pages_per_range = 32, autosummarize = on);
