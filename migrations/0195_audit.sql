-- Auditors ask who did what of which kind, the newest first (docs/adr/0097-console-and-audit.md).
CREATE INDEX event_type ON event (type, position);
CREATE INDEX event_actor ON event (actor, position);
