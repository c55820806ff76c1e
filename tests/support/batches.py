"""Sample batches for tests."""

import numpy as np

from cityhall_bms.domain.batch import Readings, SampleBatch


def readings(first_point: int, count: int, at: int, value: float = 1.0, quality: int = 0) -> Readings:
    return Readings(
        np.arange(first_point, first_point + count, dtype=np.uint32),
        np.full(count, at, np.int64),
        np.full(count, value),
        np.full(count, quality, np.uint8),
    )


def batch(sequence: int, *, source: str = "c1", epoch: int = 1, samples: int = 5, at: int | None = None) -> SampleBatch:
    """One scan of ``samples`` points whose values are the sequence."""
    observed_at = 1_000_000 * sequence if at is None else at
    scan = readings(1, samples, observed_at, float(sequence))
    return SampleBatch.gather(source, epoch, sequence, observed_at, [scan])
