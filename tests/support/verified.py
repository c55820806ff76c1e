"""What a check of the record finds after somebody has changed something in it."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, TIME_MIN_US
from cityhall_bms.adapters.seal_files import read_copies
from cityhall_bms.adapters.signing import key_ring
from cityhall_bms.domain.verification import Checked, Fault, Part
from cityhall_bms.integrity_jobs import Trusted, check_record
from cityhall_bms.ports.history import Window

ALL = Window(TIME_MIN_US, TIME_MAX_US)
TRIGGERS = ("event", "batch_seal")


@dataclass(frozen=True)
class Record:
    url: str
    folder: Path


async def found_after(
    record: Record, statement: str = "", *parts: Part, copies: Path | None = None
) -> dict[Part, Checked]:
    """Check what the record, or some parts of it, would be after a statement; it is undone."""
    connection = await asyncpg.connect(record.url)
    try:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        for table in TRIGGERS:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        if statement:
            touched = await connection.execute(statement)
            assert not touched.endswith(" 0"), f"nothing to change: {statement}"
        keys = key_ring(record.folder / "keys")
        trusted = Trusted(keys, read_copies(copies) if copies else {})
        found = await check_record(connection, ALL, trusted, every_rollup=True, parts=parts or tuple(Part))
        await transaction.rollback()
    finally:
        connection.terminate()
    return {checked.part: checked for checked in found}


def fault(found: dict[Part, Checked], part: Part) -> Fault:
    wrong = found[part].fault
    assert wrong is not None, {checked.part: checked.fault for checked in found.values()}
    return wrong
