"""Checks the chains of batch seals, and the point sets that scans refer to."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import asyncpg
import numpy as np

from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.postgres.verify_log import Progress
from cityhall_bms.domain.batch import point_set_id
from cityhall_bms.domain.integrity import GENESIS, BatchSeal
from cityhall_bms.domain.verification import Checked, Fault, Part, Wrong

QUERIES: Final = load("verify.sql")
SEALS_AT_ONCE: Final = 10_000
FROM_THE_BEGINNING: Final = -(2**63)
"""``sealed_since`` of a database that had seals from its first sample on."""


async def check_chains(connection: asyncpg.Connection, since: Mapping[str, int], progress: Progress) -> Checked:
    """Recompute every chain, that of a source from the seal with a known number on if ``since`` has one."""
    # Read first: what history stores meanwhile has a seal before this is compared.
    progressed = await connection.fetch(QUERIES["progress"])
    chains = await connection.fetch(QUERIES["chains"])
    total = sum(row["number"] - since.get(row["source"], 0) for row in chains)
    newest: dict[tuple[str, int], int] = {}
    done = 0
    for chain in chains:
        number, fault = await _check_chain(connection, chain, since.get(chain["source"], 0), newest)
        done += max(number - since.get(chain["source"], 0), 0)
        if fault is not None:
            return Checked(Part.CHAINS, done, fault)
        progress(done, total)
    complete = not since and await connection.fetchval(QUERIES["sealed_since"]) == FROM_THE_BEGINNING
    return Checked(Part.CHAINS, done, _tail(progressed, newest) if complete else None)


async def _check_chain(
    connection: asyncpg.Connection, chain: asyncpg.Record, after: int, newest: dict[tuple[str, int], int]
) -> tuple[int, Fault | None]:
    """Number of the last sound seal of a chain, and what is wrong with the next one."""
    source, previous = chain["source"], GENESIS
    number = after
    if after:
        previous = await connection.fetchval(QUERIES["hash_of_seal"], source, after)
    async for row in _seals(connection, chain, after):
        seal = BatchSeal(source, *row)
        wrong = None
        if seal.number != number + 1:
            wrong = Wrong.SEAL_MISSING
        elif previous is None or seal.hash != seal.expected_hash(previous):
            wrong = Wrong.SEAL_CHANGED
        if wrong is not None:
            return number, Fault(Part.CHAINS, wrong, f"{source} #{number + 1}", seal.recorded_at)
        number, previous = seal.number, seal.hash
        run = (source, seal.epoch)
        newest[run] = max(newest.get(run, seal.sequence), seal.sequence)
    if number != chain["number"]:
        return number, Fault(Part.CHAINS, Wrong.SEAL_MISSING, f"{source} #{number + 1}")
    if previous != chain["hash"]:
        return number, Fault(Part.CHAINS, Wrong.CHAIN_HEAD, f"{source} #{number}")
    return number, None


async def _seals(connection: asyncpg.Connection, chain: asyncpg.Record, after: int) -> AsyncIterator[asyncpg.Record]:
    # What is beyond the head that was read came meanwhile, or stands there without a head: the samples tell which.
    while rows := await connection.fetch(QUERIES["seals"], chain["chain"], after, chain["number"], SEALS_AT_ONCE):
        for row in rows:
            yield row
        after = rows[-1]["number"]


def _tail(progressed: list[asyncpg.Record], newest: Mapping[tuple[str, int], int]) -> Fault | None:
    """Find a source of which history says that it has taken more than there are seals."""
    for source, epoch, sequence in progressed:
        sealed = newest.get((source, epoch))
        if sealed is None or sealed < sequence:
            return Fault(Part.CHAINS, Wrong.CHAIN_TAIL, f"{source} {epoch}:{sequence}")
    return None


async def check_sets(connection: asyncpg.Connection, progress: Progress) -> Checked:
    """Compare every point set with its name, which is made from its content, and with the table of members."""
    rows = await connection.fetch(QUERIES["sets"])
    for done, row in enumerate(rows):
        points = row["point_ids"]
        sound = None not in points and point_set_id(np.array(points, np.uint32)) == row["set_id"]
        if not sound:
            return Checked(Part.SETS, done, Fault(Part.SETS, Wrong.SET_CHANGED, str(row["set_id"])))
        progress(done + 1, len(rows))
    stray = await connection.fetchval(QUERIES["stray_member"])
    return Checked(Part.SETS, len(rows), Fault(Part.SETS, Wrong.SET_MEMBERS, str(stray)) if stray is not None else None)
