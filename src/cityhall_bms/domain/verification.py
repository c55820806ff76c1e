"""What a check of the record can find, and where."""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What is checked, in the order in which it is."""

    EVENTS = "events"
    DAYS = "days"
    CHAINS = "chains"
    SETS = "sets"
    SAMPLES = "samples"
    ROLLUPS = "rollups"
    RESTATEMENTS = "restatements"


class Wrong(StrEnum):
    """What can be wrong. The text for people is in ``adapters/verify_text.py``."""

    EVENT_MISSING = "event_missing"
    EVENT_CHAIN = "event_chain"
    EVENT_CHANGED = "event_changed"
    DAY_UNREADABLE = "day_unreadable"
    DAY_KEY = "day_key"
    DAY_SIGNATURE = "day_signature"
    DAY_EVENT_HEAD = "day_event_head"
    DAY_CHAIN_HEAD = "day_chain_head"
    DAY_GAPS = "day_gaps"
    DAY_RAWS = "day_raws"
    DAY_GONE = "day_gone"
    DAY_OTHER = "day_other"
    SEAL_MISSING = "seal_missing"
    SEAL_CHANGED = "seal_changed"
    CHAIN_HEAD = "chain_head"
    CHAIN_TAIL = "chain_tail"
    SET_CHANGED = "set_changed"
    SET_MEMBERS = "set_members"
    SAMPLES_MISSING = "samples_missing"
    SAMPLES_ADDED = "samples_added"
    SAMPLES_CHANGED = "samples_changed"
    SAMPLES_UNSEALED = "samples_unsealed"
    SAMPLES_MOVED = "samples_moved"
    SAMPLES_DOUBLED = "samples_doubled"
    COLD_UNREADABLE = "cold_unreadable"
    ROLLUP_CHANGED = "rollup_changed"
    ROLLUP_MISSING = "rollup_missing"
    ROLLUP_ADDED = "rollup_added"
    RESTATEMENT_CHANGED = "restatement_changed"


@dataclass(frozen=True, slots=True)
class Fault:
    """First thing that is wrong in a part of the record.

    ``place`` says where in the part's own terms: a position, a day, a batch; ``at`` is a time (µs UTC) if there is one.
    """

    part: Part
    wrong: Wrong
    place: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """One part of the record: how many of its entries were looked at, and the first fault.

    ``unproven`` counts what cannot be proven either way: samples from before there were seals, batches of which samples
    were let go after their time of keeping.
    """

    part: Part
    count: int
    fault: Fault | None = None
    unproven: int = 0
