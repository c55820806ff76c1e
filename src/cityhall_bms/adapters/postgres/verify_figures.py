"""Checks the figures that were restated against the events that tell of them."""

import json
from typing import Any, Final

import asyncpg

from cityhall_bms.adapters.postgres.counter_record import figures_digest
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.postgres.verify_log import Progress
from cityhall_bms.domain.verification import Checked, Fault, Part, Wrong
from cityhall_bms.historian.counter_teller import STREAM

QUERIES: Final = load("verify.sql")


async def check_restatements(connection: asyncpg.Connection, progress: Progress) -> Checked:
    """Compute the digest of every event's figures again; without one (in older events) they are unproven."""
    told = await connection.fetch(QUERIES["told_restatements"], STREAM)
    count = unproven = 0
    covered: dict[tuple[int, int], str] = {}
    for done, row in enumerate(told):
        event: dict[str, Any] = json.loads(row["payload"])
        digest = event.get("digest", "")
        if not digest:
            unproven += event["hours"] + event["days"]
            continue
        numbers = event["after"], event["through"]
        if numbers not in covered:
            found, covered[numbers] = await figures_digest(connection, *numbers)
            count += found
        if covered[numbers] != digest:
            fault = Fault(Part.RESTATEMENTS, Wrong.RESTATEMENT_CHANGED, str(row["position"]))
            return Checked(Part.RESTATEMENTS, count, fault, unproven)
        progress(done + 1, len(told))
    return Checked(Part.RESTATEMENTS, count, None, unproven)
