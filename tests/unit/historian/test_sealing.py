"""A seal is of facts: the same for every way to keep the samples, and another one as soon as a fact differs."""

import dataclasses
import hashlib
import math
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.historian.columns import Samples, Scans
from cityhall_bms.historian.sealing import TimeSeal, seal_of_nothing, seal_samples, seal_scans

Fact = tuple[int, int, int, float, int]
"""recorded_at, observed_at, point, value, quality"""

VALUES = (0.0, -0.0, 1.5, math.nan, math.inf)
facts = st.lists(
    st.tuples(
        st.integers(1, 3), st.integers(-2, 4), st.integers(1, 5), st.sampled_from(VALUES), st.sampled_from((0, 128))
    ),
    max_size=40,
)


def reference(rows: Sequence[Fact]) -> dict[int, TimeSeal]:
    """The page's words, a sample at a time."""
    seals = {}
    for time in {row[0] for row in rows}:
        mine = sorted(
            {
                (
                    at,
                    point,
                    quality,
                    struct.unpack("<Q", struct.pack("<d", math.nan if math.isnan(value) else value))[0],
                )
                for recorded_at, at, point, value, quality in rows
                if recorded_at == time
            }
        )
        times = sorted({row[0] for row in mine})
        data = b"samples 1" + struct.pack("<QQ", len(mine), len(times))
        data += b"".join(struct.pack("<q", at) for at in times)
        data += b"".join(struct.pack("<I", sum(row[0] == at for row in mine)) for at in times)
        data += b"".join(struct.pack("<I", row[1]) for row in mine)
        data += bytes(row[2] for row in mine)
        data += b"".join(struct.pack("<Q", row[3]) for row in mine)
        seals[time] = TimeSeal(time, times[0], times[-1], len(mine), hashlib.sha256(data).digest())
    return seals


def samples(rows: Sequence[Fact]) -> Samples:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    recorded_at, at, point, value, quality = columns
    return Samples(
        np.array(point, np.uint32),
        np.array(at, np.int64),
        np.array(recorded_at, np.int64),
        np.array(value, np.float64),
        np.array(quality, np.uint8),
    )


def scans(rows: Sequence[Fact]) -> Scans:
    """Neighbours of equal times in one scan, and now and then a scan without a sample."""
    parts: list[list[Fact]] = [[]]
    for row in rows:
        if parts[-1] and parts[-1][-1][:2] != row[:2]:
            parts.append([])
        parts[-1].append(row)
    flat = samples(rows)
    heads = [part[0] if part else (1, 0) for part in parts]
    return Scans(
        np.zeros(len(parts), np.int64),
        np.array([head[1] for head in heads], np.int64),
        np.array([head[0] for head in heads], np.int64),
        np.array([len(part) for part in parts], np.int64),
        flat.point,
        flat.value,
        flat.quality,
    )


@given(facts)
def test_seals_are_what_the_page_says(rows: list[Fact]) -> None:
    assert seal_samples(samples(rows)) == reference(rows)
    assert seal_scans(scans(rows)) == reference(rows)


@given(facts, st.randoms(use_true_random=False))
def test_the_order_in_which_samples_are_kept_says_nothing(rows: list[Fact], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert seal_scans(scans(shuffled)) == seal_samples(samples(rows))


@pytest.mark.parametrize(
    "changed",
    [(1, 10, 7, 2.5, 1), (1, 10, 7, 2.0, 0), (1, 10, 8, 2.0, 1), (1, 11, 7, 2.0, 1), (1, 10, 7, math.nan, 1), None],
    ids=["value", "quality", "point", "observed_at", "nan", "removed"],
)
def test_every_fact_counts(changed: Fact | None) -> None:
    kept: list[Fact] = [(1, 10, 3, 1.0, 0), (1, 12, 7, 2.0, 0)]
    before = seal_samples(samples([*kept, (1, 10, 7, 2.0, 1)]))
    after = seal_samples(samples([*kept, *([changed] if changed else [])]))

    assert after[1].digest != before[1].digest


def test_what_is_kept_in_two_forms_at_a_time_is_one_fact() -> None:
    rows: list[Fact] = [(1, 10, 1, 5.0, 0), (1, 10, 2, 6.0, 0), (1, 11, 2, 6.0, 0)]

    assert seal_samples(samples(rows * 2)) == seal_samples(samples(rows))


def test_values_of_neighbours_cannot_be_exchanged() -> None:
    one = seal_samples(samples([(1, 10, 1, 5.0, 0), (1, 10, 2, 6.0, 0)]))
    other = seal_samples(samples([(1, 10, 1, 6.0, 0), (1, 10, 2, 5.0, 0)]))

    assert one[1].digest != other[1].digest


def test_zero_and_minus_zero_are_two_values_and_nan_is_one() -> None:
    strange = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0123))[0]

    assert seal_samples(samples([(1, 1, 1, 0.0, 0)])) != seal_samples(samples([(1, 1, 1, -0.0, 0)]))
    assert seal_samples(samples([(1, 1, 1, strange, 0)])) == seal_samples(samples([(1, 1, 1, math.nan, 0)]))


def test_nothing_recorded_has_a_seal_too() -> None:
    assert seal_of_nothing(5).samples == 0
    assert dataclasses.replace(seal_of_nothing(6), recorded_at=5, first=5, last=5) == seal_of_nothing(5)
    assert seal_of_nothing(5).digest == hashlib.sha256(b"samples 1" + bytes(16)).digest()
