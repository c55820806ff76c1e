"""The cold form gives back what it was given, bit for bit, and nothing for bytes that are not its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cityhall_bms.historian.cold import (
    ColdFormatError,
    pack_samples,
    pack_times,
    pack_values,
    unpack_samples,
    unpack_times,
    unpack_values,
)

LENGTHS = st.integers(0, 50)
TIMES = st.integers(-(2**61), 2**61)


def column(dtype: type, length: int, elements: st.SearchStrategy | None = None) -> st.SearchStrategy:
    return arrays.arrays(dtype, length, elements=elements)


@given(st.data(), LENGTHS)
def test_samples_come_back_bit_for_bit(data: st.DataObject, length: int) -> None:
    at = data.draw(column(np.int64, length, TIMES))
    recorded_at = data.draw(column(np.int64, length, TIMES))
    value = data.draw(column(np.uint64, length)).view(np.float64)
    quality = data.draw(column(np.uint8, length))
    back = unpack_samples(pack_samples(at, recorded_at, value, quality))
    assert back[0].tolist() == at.tolist()
    assert back[1].tolist() == recorded_at.tolist()
    assert back[2].view(np.uint64).tolist() == value.view(np.uint64).tolist()
    assert back[3].tolist() == quality.tolist()


@given(st.data(), LENGTHS)
def test_times_and_values_come_back_apart(data: st.DataObject, length: int) -> None:
    at, recorded_at = data.draw(column(np.int64, length, TIMES)), data.draw(column(np.int64, length, TIMES))
    value, quality = data.draw(column(np.uint64, length)).view(np.float64), data.draw(column(np.uint8, length))
    times, values = unpack_times(pack_times(at, recorded_at)), unpack_values(pack_values(value, quality))
    assert [times[0].tolist(), times[1].tolist()] == [at.tolist(), recorded_at.tolist()]
    assert values[0].view(np.uint64).tolist() == value.view(np.uint64).tolist()
    assert values[1].tolist() == quality.tolist()


@given(st.data())
def test_changed_bytes_are_refused_or_other_columns_of_the_same_length(data: st.DataObject) -> None:
    packed = bytearray(pack_values(np.arange(9.0), np.zeros(9, np.uint8)))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    try:
        value, quality = unpack_values(bytes(packed))
    except ColdFormatError:
        return
    assert len(value) == len(quality) == 9


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 12])
def test_cut_bytes_are_refused(cut: int) -> None:
    packed = pack_values(np.arange(9.0), np.zeros(9, np.uint8))
    with pytest.raises(ColdFormatError):
        unpack_values(packed[:cut])


def test_columns_of_another_kind_are_refused() -> None:
    with pytest.raises(ColdFormatError):
        unpack_values(pack_times(np.arange(9), np.arange(9)))


def test_a_steady_day_costs_next_to_nothing() -> None:
    at = np.arange(17_280) * 5_000_000
    assert len(pack_times(at, at + 400_000)) < 1_000
    assert len(pack_values(np.full(17_280, 21.5), np.zeros(17_280, np.uint8))) < 1_000
