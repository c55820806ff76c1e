"""Samples laid out by ticks: at each the newest sample of every point, as the live table would hold it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.rule_history import PastSamples
from cityhall_bms.rules.grid import Grid

T0 = 1_782_864_000_000_000
STEP = 60_000_000
ABSENT = 9
"""A point with samples that nobody watches."""

Sample = tuple[int, int, float, int]
"""Point, seconds after T0, value, quality."""


def past(samples: list[Sample]) -> PastSamples:
    one_each = {(point, at): (value, quality) for point, at, value, quality in samples}
    rows = [(point, at, *rest) for (point, at), rest in sorted(one_each.items())]
    return PastSamples(
        np.array([row[0] for row in rows], np.int64),
        np.array([T0 + row[1] * 1_000_000 for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint8),
    )


def test_a_sample_counts_from_the_tick_at_or_after_its_time() -> None:
    block = Grid(np.array([5, 2])).lay(past([(2, 0, 1.0, 0), (2, 61, 2.0, 0), (5, 60, 7.0, 0x80)]), ticks(3))
    assert block.value[:, 1].tolist() == [1.0, 1.0, 2.0]
    assert block.observed_at[:, 1].tolist() == [T0, T0, T0 + 61_000_000]
    assert block.quality[:, 0].tolist() == [Quality.BAD_NO_DATA, 0x80, 0x80]
    assert np.isnan(block.value[0, 0])


def test_what_stands_is_remembered_from_block_to_block() -> None:
    grid = Grid(np.array([1]))
    grid.lay(past([(1, 0, 4.0, 0)]), ticks(1))
    block = grid.lay(PastSamples.none(), T0 + STEP * np.arange(1, 3))
    assert block.value[:, 0].tolist() == [4.0, 4.0]
    assert block.observed_at[:, 0].tolist() == [T0, T0]


def test_a_binding_without_points_still_has_its_ticks() -> None:
    assert len(Grid(np.empty(0, np.int64)).lay(past([(1, 0, 1.0, 0)]), ticks(4))) == 4


def ticks(count: int) -> np.ndarray:
    return T0 + STEP * np.arange(count, dtype=np.int64)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, ABSENT]),
            st.integers(0, 600),
            st.floats(-50, 50),
            st.sampled_from([0, 0x40, 0x80]),
        ),
        max_size=60,
    ),
    st.integers(1, 9),
)
def test_laid_out_in_any_blocks_it_is_what_the_live_table_holds_at_each_tick(samples: list[Sample], size: int) -> None:
    points, found = np.array([3, 1, 2]), past(samples)
    grid, live = Grid(points), LiveTable({1: 0.0, 2: 0.0, 3: 0.0, ABSENT: 0.0})
    fed = 0
    order = np.argsort(found.at, kind="stable")
    for start in range(0, 10, size):
        at = ticks(10)[start : start + size]
        chosen = (found.at <= at[-1]) & (found.at > at[0] - STEP) if start else found.at <= at[-1]
        part = PastSamples(found.point[chosen], found.at[chosen], found.value[chosen], found.quality[chosen])
        block = grid.lay(part, at)
        for tick, now in enumerate(at.tolist()):
            until = int((found.at <= now).sum())
            new = order[fed:until]
            live.load(found.point[new].astype(np.uint32), found.at[new], found.value[new], found.quality[new])
            fed = until
            columns = block.columns(tick)
            np.testing.assert_array_equal(columns.value, live.value[points])
            np.testing.assert_array_equal(columns.quality, live.quality[points])
            np.testing.assert_array_equal(columns.observed_at, live.observed_at[points])
