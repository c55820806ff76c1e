"""What is stored after an export is recorded after it, however long it was on its way.

An export names the time by which its samples were recorded, and must give the same bytes for ever
(:meth:`~cityhall_bms.ports.exports.ExportStore.begin`). A batch that an edge collector recorded before that time, and
that arrives after it, became known later: its ``recorded_at`` is moved to just after the export's.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.historian.columns import Scans

STATE: Final = load("export_store.sql")["state_of_history"]
"""Version of history, and the latest time (µs UTC) that was exported as known."""


def batches_after(known_through: int, batches: Sequence[SampleBatch]) -> list[SampleBatch]:
    """Batches as history records them; for whoever holds the historian's lock."""
    earliest = known_through + 1
    return [batch if batch.recorded_at >= earliest else replace(batch, recorded_at=earliest) for batch in batches]


def scans_after(known_through: int, scans: Scans) -> Scans:
    """Scans as history records them; for whoever holds the historian's lock."""
    return replace(scans, recorded_at=np.maximum(scans.recorded_at, known_through + 1))
