"""Trend logs of simulated BACnet devices, read by ranges (ANSI/ASHRAE 135, 15.8)."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from bacpypes3.apdu import ReadRangeRequest
from bacpypes3.app import Application
from bacpypes3.basetypes import (
    DateTime,
    LogRecord,
    PropertyIdentifier,
    Range,
    RangeByPosition,
    RangeBySequenceNumber,
    RangeByTime,
)
from bacpypes3.constructeddata import ListOf
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import Date, ObjectIdentifier, Time
from hypothesis import given
from hypothesis import strategies as st
from tests.support.simulated_bacnet import (
    DEVICES,
    address_of,
    client_app,
    new_city,
    plain_client,
    refused,
    served,
    strike,
)

from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.faces.bacnet_shared import Shared
from cityhall_simulators.faces.bacnet_trends import RECORDS_MAX, Span, span_of
from cityhall_simulators.runtime import City

LOG = "trend-log,1"
BEGAN = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei"))
FIRST, LAST, MORE = 0, 1, 2

city = pytest.fixture(new_city)
client = pytest_asyncio.fixture(plain_client)


def fill(face: BacnetFace, records: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a record a minute from BEGAN on; record n has the value n (counted from zero)."""
    controller = face._controller
    assert controller is not None
    shared = face._shared
    for number in range(records):
        moment = BEGAN + timedelta(minutes=number)
        monkeypatch.setattr(Shared, "now", lambda _, moment=moment: moment)
        shared.city.shown = shared.city.shown.copy()
        shared.city.shown[DEVICES["ahu01"].points[0].index :] = number
        controller.trends.refresh(number * 60.0)


def at(minutes: float) -> DateTime:
    moment = BEGAN + timedelta(minutes=minutes)
    return DateTime(
        date=Date((moment.year - 1900, moment.month, moment.day, moment.isoweekday())),
        time=Time((moment.hour, moment.minute, moment.second, 0)),
    )


async def ask(client: Application, address: Address, span: Range | None) -> Any:
    return await client.request(
        ReadRangeRequest(
            objectIdentifier=ObjectIdentifier(LOG),
            propertyIdentifier=PropertyIdentifier("log-buffer"),
            range=span,
            destination=address,
        )
    )


def values(answer: Any) -> list[float]:
    return [float(record.logDatum.realValue) for record in answer.itemData.cast_out(ListOf(LogRecord))]


async def test_a_log_has_a_record_a_minute_with_time_value_and_flags(
    city: City, client: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(city, DEVICES["ahu01"]) as (face, address):
        fill(face, 3, monkeypatch)
        for name, expected in (("record-count", 3), ("total-record-count", 3), ("log-interval", 6000)):
            assert int(await client.read_property(address, LOG, name)) == expected
        logged = await client.read_property(address, LOG, "log-device-object-property")
        assert str(logged.objectIdentifier).startswith("analog-input,")
        records = (await ask(client, address, None)).itemData.cast_out(ListOf(LogRecord))
    assert [str(record.timestamp.time)[:8] for record in records] == ["10:00:00", "10:01:00", "10:02:00"]
    assert records[0].timestamp.date == (126, 7, 1, 3)
    assert list(records[0].statusFlags) == [0, 0, 0, 0]


@pytest.mark.parametrize(("span", "expected", "flags"), [
    (Range(byPosition=RangeByPosition(referenceIndex=1, count=2)), [0, 1], [1, 0, 0]),
    (Range(byPosition=RangeByPosition(referenceIndex=4, count=9)), [3, 4], [0, 1, 0]),
    (Range(byPosition=RangeByPosition(referenceIndex=5, count=-2)), [3, 4], [0, 1, 0]),
    (Range(byPosition=RangeByPosition(referenceIndex=9, count=2)), [], [0, 0, 0]),
    (Range(bySequenceNumber=RangeBySequenceNumber(referenceSequenceNumber=2, count=2)), [1, 2], [0, 0, 0]),
    (Range(bySequenceNumber=RangeBySequenceNumber(referenceSequenceNumber=3, count=-9)), [0, 1, 2], [1, 0, 0]),
    # By time: those after it, or those before it, never the one at it.
    (Range(byTime=RangeByTime(referenceTime=at(1), count=2)), [2, 3], [0, 0, 0]),
    (Range(byTime=RangeByTime(referenceTime=at(2.5), count=9)), [3, 4], [0, 1, 0]),
    (Range(byTime=RangeByTime(referenceTime=at(2), count=-9)), [0, 1], [1, 0, 0]),
    (Range(byTime=RangeByTime(referenceTime=at(9), count=3)), [], [0, 0, 0]),
    (Range(byTime=RangeByTime(referenceTime=at(-1), count=-3)), [], [0, 0, 0]),
])  # fmt: skip
async def test_ranges_mean_what_the_standard_says(
    city: City, client: Application, monkeypatch: pytest.MonkeyPatch, span: Range, expected: list[int], flags: list[int]
) -> None:
    async with served(city, DEVICES["ahu01"]) as (face, address):
        fill(face, 5, monkeypatch)
        answer = await ask(client, address, span)
    assert values(answer) == expected
    assert int(answer.itemCount) == len(expected)
    assert list(answer.resultFlags) == flags
    by_number = span.byPosition is None and expected
    assert answer.firstSequenceNumber == (expected[0] + 1 if by_number else None)


async def test_a_long_log_is_read_in_pieces_each_within_one_answer(
    city: City, client: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[float] = []
    async with served(city, DEVICES["ahu01"]) as (face, address):
        fill(face, 130, monkeypatch)
        while True:
            asked = RangeBySequenceNumber(referenceSequenceNumber=len(found) + 1, count=1000)
            answer = await ask(client, address, Range(bySequenceNumber=asked))
            assert answer.firstSequenceNumber == len(found) + 1
            found += values(answer)
            if not answer.resultFlags[MORE]:
                break
            assert not answer.resultFlags[LAST]
    assert found == list(range(130))


async def test_a_client_with_short_answers_gets_fewer_records(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        served(city, DEVICES["ahu01"]) as (face, address),
        client_app(maxApduLengthAccepted=480, segmentationSupported="noSegmentation") as small,
    ):
        fill(face, 100, monkeypatch)
        answer = await ask(small, address, None)
    assert values(answer) == list(range(len(values(answer))))
    assert 10 <= len(values(answer)) < 40
    assert answer.resultFlags[MORE]


async def test_the_oldest_records_go_when_a_day_is_full(
    city: City, client: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(city, DEVICES["ahu01"]) as (face, address):
        fill(face, RECORDS_MAX + 7, monkeypatch)
        assert int(await client.read_property(address, LOG, "record-count")) == RECORDS_MAX
        assert int(await client.read_property(address, LOG, "total-record-count")) == RECORDS_MAX + 7
        first = await ask(client, address, Range(byPosition=RangeByPosition(referenceIndex=1, count=1)))
        after = await ask(
            client,
            address,
            Range(bySequenceNumber=RangeBySequenceNumber(referenceSequenceNumber=RECORDS_MAX + 7, count=1)),
        )
    assert values(first) == [7]
    assert values(after) == [RECORDS_MAX + 6]


async def test_only_the_buffer_of_a_log_is_read_by_ranges_and_only_so(city: City, client: Application) -> None:
    async with served(city, DEVICES["ahu01"]) as (_, address):
        assert "read-access-denied" in await refused(client.read_property(address, LOG, "log-buffer"))
        for what, name, refusal in (
            (address_of("TCH.01.E.AHU01.SAT")[1], "present-value", "property-is-not-a"),
            ("trend-log,99", "log-buffer", "unknown-object"),
        ):
            request = ReadRangeRequest(
                objectIdentifier=ObjectIdentifier(what),
                propertyIdentifier=PropertyIdentifier(name),
                destination=address,
            )
            assert refusal in await refused(client.request(request))
        nothing = Range(byPosition=RangeByPosition(referenceIndex=1, count=0))
        assert "parameter-out-of-range" in await refused(ask(client, address, nothing))


async def test_a_clock_that_jumped_is_an_hour_ahead(city: City, client: Application) -> None:
    async with served(city, DEVICES["ahu01"]) as (face, address):
        own = f"device,{DEVICES['ahu01'].device_instance}"
        before = face._shared.now()
        strike(city, "clock_jump", "ahu01")
        jumped = await client.read_property(address, own, "local-time")
        ahead = before + timedelta(hours=1)
        # A minute may pass between the two questions.
        assert (jumped[0], jumped[1]) in {(m.hour, m.minute) for m in (ahead, ahead + timedelta(minutes=1))}


@given(
    reference=st.integers(-20, 120),
    count=st.integers(-150, 150).filter(bool),
    available=st.integers(0, 100),
    limit=st.integers(1, 60),
)
def test_a_span_is_what_lies_between_reference_and_count_as_far_as_it_is_there(
    reference: int, count: int, available: int, limit: int
) -> None:
    asked = range(reference, reference + count) if count > 0 else range(reference + count + 1, reference + 1)
    there = [place for place in asked if 0 <= place < available]
    kept = there[:limit] if count > 0 else there[-limit:]
    span = span_of(reference, count, available, limit)
    assert list(range(span.first, span.last)) == kept
    assert span == Span(span.first, span.last, has_more=len(there) > limit)
