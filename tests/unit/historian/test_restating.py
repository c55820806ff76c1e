"""What a restatement changes, against a slow reference: whatever says another number now, and nothing else."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.support.modbus_server import modbus_point

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Encoding
from cityhall_bms.historian.restating import Restatement, encoding_text, restate, survey
from cityhall_bms.ports.driver import BoundPoint
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.restating import Holding, Standing

HOUR = 3_600_000_000
T0 = 1_782_864_000_000_000
POINTS = [BoundPoint(number, modbus_point(f"holding:{number}", role=f"P{number}")) for number in (1, 2, 3)]
BANDED = 3
REQUEST = Restatement("em-1", POINTS, Window(T0, T0 + 3 * HOUR), "why", "who")

Sample = tuple[int, int]
"""Point and time."""


class MemoryStore:
    """History as dictionaries: raw scans by time, versions of samples by point and time."""

    def __init__(self, scans: Mapping[int, bytes], samples: Mapping[Sample, float]) -> None:
        self.scans = dict(scans)
        self.versions = {key: [(0, value)] for key, value in samples.items()}
        self.settled = 0
        self.holding: dict[int, Holding] = {1: ("holding:1", Encoding("int32", "CDAB", 0.1, -5.0))}

    async def hours(self, device: str, window: Window) -> Sequence[Window]:
        assert (device, window) == (REQUEST.device, REQUEST.window)
        begins = sorted({at - at % HOUR for at in self.scans})
        return [Window(begin, begin + HOUR) for begin in begins]

    async def sent(self, device: str, hour: Window) -> Sequence[tuple[int, bytes]]:
        assert device == REQUEST.device
        return sorted((at, raw) for at, raw in self.scans.items() if hour.start <= at < hour.end)

    async def standing(self, points: Sequence[int], hour: Window) -> Standing:
        rows = [
            (point, at, *reversed(versions[-1]))
            for (point, at), versions in sorted(self.versions.items())
            if point in points and hour.start <= at < hour.end
        ]
        point, at, value, recorded_at = zip(*rows, strict=True) if rows else ((),) * 4
        return Standing(
            np.array(point, np.uint32), np.array(at, np.int64), np.array(value), np.array(recorded_at, np.int64)
        )

    async def held(self, points: Sequence[int], at: int) -> Mapping[int, Holding]:
        assert at == REQUEST.window.start
        return {point: self.holding[point] for point in points if point in self.holding}

    async def restate(self, scans: Sequence[Readings], recorded_at: int) -> None:
        for scan in scans:
            for point, at, value in zip(
                scan.point.tolist(), scan.observed_at.tolist(), scan.value.tolist(), strict=True
            ):
                versions = self.versions.setdefault((point, at), [(-1, math.nan)])
                assert recorded_at > versions[-1][0], "it must stand"
                versions.append((recorded_at, value))

    async def settle(self) -> None:
        self.settled += 1

    @property
    def values(self) -> dict[Sample, float]:
        return {key: versions[-1][1] for key, versions in self.versions.items()}


class Bytes:
    """A driver whose raw form is a byte per point 1, 2, ...; ``0xff`` is a scan that it does not know."""

    def read(self, raw: bytes, observed_at: int) -> Readings:
        if 0xFF in raw:
            msg = "no scan of ours"
            raise ValueError(msg)
        count = len(raw)
        return Readings(
            np.arange(1, count + 1, dtype=np.uint32),
            np.full(count, observed_at, np.int64),
            np.array([math.nan if byte == 0 else float(byte) for byte in raw]),
            np.zeros(count, np.uint8),
        )

    def moved(self, readings: Readings) -> NDArray[np.bool_]:
        return (readings.point == BANDED) & (readings.value > 100)


times = st.integers(0, 3 * HOUR - 1).map(lambda us: T0 + us)
raws = st.dictionaries(times, st.binary(min_size=0, max_size=3), max_size=12)
right = st.one_of(st.none(), st.integers(1, 254).map(float), st.just(math.nan))


@st.composite
def pasts(draw: st.DrawFn) -> tuple[dict[int, bytes], dict[Sample, float]]:
    """Scans, and for some of their points (and others) what was recorded: often right, sometimes wrong."""
    scans = draw(raws)
    samples: dict[Sample, float] = {}
    for at, raw in scans.items():
        for point in (1, 2, 3):
            truth = float(raw[point - 1]) if len(raw) >= point and raw[point - 1] else math.nan
            value = draw(st.sampled_from([None, truth, truth * (1 + 1e-15), 7.0, math.nan]))
            if value is not None:
                samples[point, at] = value
    samples |= draw(st.dictionaries(st.tuples(st.integers(1, 4), times), st.floats(0, 9), max_size=4))
    return scans, samples


def differ(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) != math.isnan(other)
    return not math.isclose(one, other, rel_tol=1e-12)


def expected(scans: Mapping[int, bytes], samples: Mapping[Sample, float]) -> dict[Sample, float]:
    now = {
        (point, at): math.nan if byte == 0 else float(byte)
        for at, raw in scans.items()
        if 0xFF not in raw
        for point, byte in enumerate(raw, 1)
    }
    wrong = {key for key, value in now.items() if key in samples and differ(samples[key], value)}
    affected = {point for point, _ in wrong}
    added = {key for key, value in now.items() if key[0] == BANDED and value > 100 and key not in samples}
    changed = wrong | {key for key in added if key[0] in affected}
    return {**samples, **{key: now[key] for key in changed}}


@settings(max_examples=150)
@given(pasts())
async def test_samples_change_where_the_same_bytes_say_another_number_and_only_there(
    past: tuple[dict[int, bytes], dict[Sample, float]],
) -> None:
    scans, samples = past
    store, events = MemoryStore(scans, samples), MemoryEventLog(SystemClock())
    wanted = expected(scans, samples)

    found = await survey(store, REQUEST, Bytes)
    assert repr(store.values) == repr(samples), "a survey writes nothing"
    done = await restate(store, REQUEST, Bytes, events, SystemClock())
    assert repr(done) == repr(found)
    assert {key: repr(value) for key, value in store.values.items()} == {
        key: repr(value) for key, value in wanted.items()
    }
    changed = sum(len(versions) > 1 for versions in store.versions.values())
    assert found.total == changed
    assert found.unreadable == sum(0xFF in raw for raw in scans.values())
    assert [event.payload["changed"] for event in await events.read()] == ([changed] if changed else [])

    again = await restate(store, REQUEST, Bytes, events, SystemClock())
    assert again.total == 0
    assert len(await events.read()) == bool(changed)
    assert store.settled == 2


async def test_the_event_names_both_encodings_and_says_when_the_old_one_is_unknown() -> None:
    store, events = MemoryStore({T0: bytes((5, 6))}, {(1, T0): 1.0, (2, T0): 2.0}), MemoryEventLog(SystemClock())
    await restate(store, REQUEST, Bytes, events, SystemClock())
    (event,) = await events.read()
    first, second = (bound.point.name for bound in POINTS[:2])
    assert event.payload["encodings"] == {
        first: ["holding:1 int32 CDAB x0.1 -5", "holding:1 uint16 ABCD"],
        second: ["unknown", "holding:2 uint16 ABCD"],
    }
    assert (event.actor, event.payload["reason"]) == ("who", "why")


def test_an_encoding_is_told_without_what_goes_without_saying() -> None:
    assert encoding_text("coil:3", Encoding()) == "coil:3"
    assert encoding_text("input:7", Encoding("float32", "DCBA", 1.0, 0.5)) == "input:7 float32 DCBA +0.5"
