"""The sample batch and its wire form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.batch import AD_HOC, BatchFormatError, RawRecord, Readings, SampleBatch, point_set_id
from cityhall_bms.domain.gaps import Gap, GapCause

times = st.integers(0, 4).map(lambda number: 1_782_864_000_000_000 + number)
samples = st.tuples(st.integers(0, 2**32 - 1), times, st.floats(width=64), st.integers(0, 255))


def readings(rows: list[tuple[int, int, float, int]]) -> Readings:
    point, at, value, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Readings(
        np.array(point, np.uint32), np.array(at, np.int64), np.array(value, np.float64), np.array(quality, np.uint8)
    )


polls = st.lists(st.lists(samples, max_size=8).map(readings), max_size=6)
moments = st.integers(0, 2**62)
gaps = st.builds(
    Gap,
    st.text(max_size=12),
    st.sampled_from(GapCause),
    moments,
    st.integers(0, 10_000),
    st.lists(st.integers(1, 2**31), max_size=4).map(tuple),
    st.none() | moments,
)
raws = st.builds(RawRecord, st.text(max_size=12), moments, st.binary(max_size=40))
batches = st.builds(
    SampleBatch.gather,
    st.text(max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1),
    polls,
    gaps=st.lists(gaps, max_size=3),
    raws=st.lists(raws, max_size=3),
)
COLUMNS = ("scan_set", "scan_observed_at", "scan_length", "point", "value", "quality")


def rows_of(point: np.ndarray, at: np.ndarray, value: np.ndarray, quality: np.ndarray) -> list[tuple[object, ...]]:
    """Samples in a form in which NaN equals itself, bit by bit."""
    bits = value.view(np.uint64)
    return sorted(zip(point.tolist(), at.tolist(), bits.tolist(), quality.tolist(), strict=True))


@given(batches)
def test_what_is_encoded_is_what_is_decoded(batch: SampleBatch) -> None:
    decoded = SampleBatch.decode(batch.encode())

    assert decoded.message_id == batch.message_id
    assert decoded.recorded_at == batch.recorded_at
    assert (decoded.gaps, decoded.raws) == (batch.gaps, batch.raws)
    for name in COLUMNS:
        assert getattr(decoded, name).dtype == getattr(batch, name).dtype, name
        assert getattr(decoded, name).tobytes() == getattr(batch, name).tobytes(), name


@given(batches, st.data())
def test_a_batch_that_was_cut_short_or_lengthened_is_refused(batch: SampleBatch, data: st.DataObject) -> None:
    encoded = batch.encode()
    cut = data.draw(st.integers(0, len(encoded) - 1))

    with pytest.raises(BatchFormatError):
        SampleBatch.decode(encoded[:cut])
    with pytest.raises(BatchFormatError):
        SampleBatch.decode(encoded + data.draw(st.binary(min_size=1, max_size=30)))


def decode_or_refuse(data: bytes) -> None:
    """What is taken for a batch must be exactly the batch of these bytes, and its columns must fit together."""
    try:
        batch = SampleBatch.decode(data)
    except BatchFormatError:
        return
    # What was version 1 is written as version 2 today, with empty notes and no raw bytes.
    assert batch.encode() == (data if data[0] == 2 else b"\x02" + data[1:] + bytes(8))
    assert len(batch.point) == len(batch.value) == len(batch.quality) == len(batch.observed_at)
    assert len(batch.scan_set) == len(batch.scan_observed_at) == len(batch.scan_length)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_means_exactly_itself(data: bytes) -> None:
    decode_or_refuse(data)
    decode_or_refuse(b"\x01" + data)
    decode_or_refuse(b"\x02" + data)


@given(batches, st.data())
def test_changed_bytes_are_refused_or_mean_exactly_themselves(batch: SampleBatch, data: st.DataObject) -> None:
    encoded = bytearray(batch.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    decode_or_refuse(bytes(encoded))


def test_a_batch_of_another_version_is_refused() -> None:
    encoded = SampleBatch.gather("a", 1, 2, 3, []).encode()

    with pytest.raises(BatchFormatError, match="version 1 or 2"):
        SampleBatch.decode(b"\x03" + encoded[1:])


def test_a_source_that_is_no_text_is_refused() -> None:
    encoded = SampleBatch.gather("ab", 1, 2, 3, []).encode()

    with pytest.raises(BatchFormatError, match="UTF-8"):
        SampleBatch.decode(encoded.replace(b"ab", b"\xff\xfe"))


def test_a_batch_that_claims_too_much_is_refused_before_memory_is_taken() -> None:
    encoded = bytearray(SampleBatch.gather("a", 1, 2, 3, []).encode())
    encoded[-12:-8] = b"\xff\xff\xff\xff"  # the number of samples, before two empty lengths

    with pytest.raises(BatchFormatError, match="claims"):
        SampleBatch.decode(bytes(encoded))


ONE_SAMPLE = (
    "02 63 31 07 00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00 "
    "00 00 00 00 00 00 00 00 e8 03 00 00 00 00 00 00 01 00 00 00 05 00 00 00 00 00 00 00 00 00 f8 3f 80"
)
"""A batch without its version: one sample of point 5, 1.5 at 1,000 µs, bad."""


def test_the_wire_form_is_that_of_its_description() -> None:
    gap = Gap("em-1", GapCause.TIMEOUT, 500, 3, (5, 6))
    scan = readings([(5, 1_000, 1.5, 0x80)])
    plain = SampleBatch.gather("c1", 7, 8, 9, [scan])
    noted = SampleBatch.gather("c1", 7, 8, 9, [scan], gaps=[gap], raws=[RawRecord("em-1", 1_000, b"\x03\x01")])

    notes = b'{"gaps":[["em-1","timeout",500,null,3,[5,6]]],"raw":[["em-1",1000,2]]}'
    assert plain.encode() == bytes.fromhex("02" + ONE_SAMPLE) + bytes(8)
    assert noted.encode() == (
        bytes.fromhex("02" + ONE_SAMPLE) + bytes((len(notes), 0, 0, 0)) + notes + bytes.fromhex("02 00 00 00 03 01")
    )


def test_what_version_1_wrote_is_read_for_ever() -> None:
    batch = SampleBatch.decode(bytes.fromhex("01" + ONE_SAMPLE))

    assert (batch.message_id, batch.recorded_at) == ("c1:7:8", 9)
    assert (batch.point.tolist(), batch.observed_at.tolist(), batch.value.tolist()) == ([5], [1_000], [1.5])
    assert (batch.gaps, batch.raws) == ((), ())


@given(polls)
def test_gathering_keeps_every_sample_exactly_once(scans: list[Readings]) -> None:
    batch = SampleBatch.gather("a", 1, 2, 3, scans)

    given_rows = sorted(
        row for scan in scans for row in rows_of(scan.point, scan.observed_at, scan.value, scan.quality)
    )
    assert rows_of(batch.point, batch.observed_at, batch.value, batch.quality) == given_rows
    assert int(batch.scan_length.sum()) == len(batch)


@given(polls)
def test_a_whole_poll_keeps_its_set_and_order_and_everything_else_is_ad_hoc(scans: list[Readings]) -> None:
    batch = SampleBatch.gather("a", 1, 2, 3, scans)
    whole = [scan for scan in scans if len(scan) > 1 and len(set(scan.observed_at.tolist())) == 1]

    in_sets = [
        batch.point[start : start + length].tolist()
        for set_id, start, length in zip(batch.scan_set, batch.scan_start, batch.scan_length, strict=True)
        if set_id != AD_HOC
    ]
    assert in_sets == [scan.point.tolist() for scan in whole]
    assert [set_id for set_id in batch.scan_set.tolist() if set_id != AD_HOC] == [
        point_set_id(scan.point) for scan in whole
    ]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_a_set_is_named_by_its_content_and_never_ad_hoc(points: list[int]) -> None:
    name = point_set_id(np.array(points, np.uint32))

    assert 0 < name <= 2**62
    assert name == point_set_id(np.array(points, ">u4").astype(np.uint32))


def test_another_order_is_another_set() -> None:
    assert point_set_id(np.array([1, 2], np.uint32)) != point_set_id(np.array([2, 1], np.uint32))
