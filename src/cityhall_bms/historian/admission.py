"""Which batches are new: at-least-once delivery becomes exactly-once effect here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.batch import SampleBatch

FIRST_SEQUENCES: Final = (0, 1)
"""What a collector may call its first batch."""

Run = tuple[str, int]
"""One run of one collector: its source and epoch."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Sequences ``first`` to ``last`` of a collector run that the log has not delivered."""

    source: str
    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What to store, and what is known afterwards."""

    batches: Sequence[SampleBatch]
    sequences: Mapping[Run, int]
    """Newest sequence of every run that moved."""
    gaps: frozenset[Gap]
    """All gaps that are open afterwards, of the runs asked about."""


def admit(known: Mapping[Run, int], gaps: Iterable[Gap], batches: Iterable[SampleBatch]) -> Admission:
    """Choose the batches that are not stored yet, each once, in order within their run.

    A batch below the newest sequence is new only if it fills a gap. A first batch that is not a run's first one opens
    a gap only where the source was followed before: a new history may well begin in the middle of a run.
    """
    followed = {source for source, _ in known}
    sequences = dict(known)
    opened = set(gaps)
    chosen: list[SampleBatch] = []
    for batch in sorted(batches, key=lambda batch: (batch.source, batch.epoch, batch.sequence)):
        run = (batch.source, batch.epoch)
        newest = sequences.get(run)
        if newest is not None and batch.sequence <= newest:
            hole = _hole(opened, batch)
            if hole is None:
                continue
            opened.remove(hole)
            opened.update(_rest(hole, batch.sequence))
        else:
            expected = _expected(newest, batch, followed=batch.source in followed)
            if batch.sequence > expected:
                opened.add(Gap(*run, expected, batch.sequence - 1))
            sequences[run] = batch.sequence
        chosen.append(batch)
    moved = {run: sequence for run, sequence in sequences.items() if known.get(run) != sequence}
    return Admission(chosen, moved, frozenset(opened))


def _expected(newest: int | None, batch: SampleBatch, *, followed: bool) -> int:
    if newest is not None:
        return newest + 1
    return FIRST_SEQUENCES[-1] if followed and batch.sequence not in FIRST_SEQUENCES else batch.sequence


def _hole(gaps: Iterable[Gap], batch: SampleBatch) -> Gap | None:
    run = (batch.source, batch.epoch)
    return next(
        (gap for gap in gaps if (gap.source, gap.epoch) == run and gap.first <= batch.sequence <= gap.last), None
    )


def _rest(hole: Gap, sequence: int) -> list[Gap]:
    parts = ((hole.first, sequence - 1), (sequence + 1, hole.last))
    return [Gap(hole.source, hole.epoch, first, last) for first, last in parts if first <= last]
