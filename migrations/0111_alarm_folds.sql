-- An alarm says more of itself now (who raised it, since when it waits, permit, drill), and the rules engine begins with
-- these folds. They follow from the event log: the projector builds them anew from its beginning.

TRUNCATE alarm, alarm_transition;
UPDATE projection_checkpoint SET position = 0 WHERE name = 'alarms';
