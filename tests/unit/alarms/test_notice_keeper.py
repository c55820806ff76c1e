"""What a device notices of its own is an alarm of ours: once, returned when it is over, and not lost by a crash."""

from collections.abc import Collection, Sequence

import pytest
from tests.support.fake_driver import EQUIPMENT, fake_device, fake_point, fake_site
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.notice_keeper import NoticeKeeper, priority_of
from cityhall_bms.domain.alarm_stream import fold
from cityhall_bms.domain.alarms import Alarm, AlarmRaised, AlarmState, alarm_id, stream_of
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import DeviceNoticed
from cityhall_bms.domain.site import Text
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.domain.topology import Topology
from cityhall_bms.ports.event_log import Append, Checkpoint

POINT = f"{EQUIPMENT}.P1"
NAME = alarm_id("DEVICE", POINT)
SITE, _ = fake_site([fake_device("D1")], [fake_point(1, "D1", text=Text("送風", "supply air"))])
SUPPRESSION = Suppression([table.row() for table in shipped_rows()], Topology.of(SITE), {"G01": ["G01"]})


class Desk:
    def __init__(self, watched: Collection[str] = ()) -> None:
        self.watched = watched
        self.clock = ManualClock()
        self.events = MemoryEventLog(self.clock)
        self.keeper = self.make()

    def make(self) -> NoticeKeeper:
        view = MemoryAlarmView(self.events)
        return NoticeKeeper(SITE, self.events, view, SUPPRESSION, self.watched, self.clock)

    async def notice(
        self, to_state: str, address: str = "1", device: str = "D1", kind: str = "out-of-range", **more: object
    ) -> None:
        plain = {"from_state": "normal", "observed_at": self.clock.now()}
        event = DeviceNoticed(device=device, address=address, kind=kind, to_state=to_state, **(plain | more))  # type: ignore[arg-type]
        await self.clock.advance(1)
        await self.events.append([Append(f"device/{device}", [event], "collector/c1")])
        await self.keeper.catch_up()

    async def alarm(self, name: str = NAME) -> Alarm:
        return fold(Alarm(name), await self.events.read(0, 1000, stream_of(name)))


async def test_a_notice_rings_at_the_point_that_it_names_and_returns_with_normal() -> None:
    desk = Desk()
    await desk.notice("high-limit", message="送風溫度過高", priority=100)
    alarm = await desk.alarm()
    assert (alarm.state, alarm.priority, alarm.subject, alarm.equipment) == (
        AlarmState.UNACKNOWLEDGED,
        2,
        POINT,
        EQUIPMENT,
    )
    assert (alarm.text_zh, alarm.text_en) == ("送風（空調箱）：送風溫度過高", "supply air (air handler): 送風溫度過高")
    await desk.notice("normal")
    assert (await desk.alarm()).state is AlarmState.RETURNED_UNACKNOWLEDGED


async def test_a_standing_alarm_does_not_ring_again() -> None:
    desk = Desk()
    for state in ("high-limit", "high-limit", "fault"):
        await desk.notice(state)
    assert (await desk.alarm()).occurrence == 1
    await desk.notice("normal")
    await desk.notice("normal")
    await desk.notice("high-limit")
    assert (await desk.alarm()).occurrence == 2


async def test_a_device_may_name_the_same_event_differently_when_it_is_over() -> None:
    desk = Desk()
    await desk.notice("offnormal", kind="event-list")
    await desk.notice("normal")
    assert (await desk.alarm()).state is AlarmState.RETURNED_UNACKNOWLEDGED


async def test_pain_30_what_a_rule_says_of_a_point_its_device_does_not_say_again() -> None:
    desk = Desk(watched=[POINT])
    await desk.notice("offnormal", kind="change-of-state")
    ours = AlarmRaised("F01-Z", 2, POINT, EQUIPMENT, "fire", 1, "火警", "Fire", False, 1, desk.clock.now())
    await desk.events.append([Append(stream_of(f"F01-Z~{POINT}"), [ours], "rules")])
    await desk.clock.advance(3)
    await desk.keeper.catch_up()
    await desk.notice("normal")

    assert (await desk.alarm()).version == 0


async def test_a_notice_rings_by_itself_when_the_rule_that_watches_its_point_says_nothing() -> None:
    desk = Desk(watched=[POINT])
    await desk.notice("offnormal", kind="change-of-state")
    assert (await desk.alarm()).version == 0
    await desk.clock.advance(3)
    await desk.keeper.catch_up()
    assert (await desk.alarm()).active


async def test_a_notice_that_waits_is_not_lost_by_a_restart() -> None:
    desk = Desk(watched=[POINT])
    await desk.notice("offnormal", kind="change-of-state")
    desk.keeper = desk.make()
    await desk.clock.advance(3)
    await desk.keeper.catch_up()
    assert (await desk.alarm()).occurrence == 1


async def test_that_somebody_acknowledged_at_the_device_rings_nothing() -> None:
    desk = Desk()
    await desk.notice("high-limit", kind="ack-notification")
    assert (await desk.alarm()).version == 0


async def test_what_is_hidden_by_design_is_hidden_before_it_can_ring() -> None:
    desk = Desk()
    lost = AlarmRaised("G01", 1, "D1", EQUIPMENT, "hvac", 3, "離線", "offline", False, 1, desk.clock.now())
    await desk.events.append([Append(stream_of("G01~D1"), [lost], "rules")])
    await desk.notice("high-limit")
    told = await desk.events.read(0, 10, stream_of(NAME))
    assert [entry.type for entry in told] == ["AlarmSuppressed", "AlarmRaised"]
    assert (await desk.alarm()).suppressed_by == "G01~D1"
    await desk.notice("normal")
    assert [entry.type for entry in await desk.events.read(0, 10, stream_of(NAME))][2:] == ["AlarmReturned"]


async def test_what_operators_do_holds() -> None:
    desk = Desk()
    await desk.notice("high-limit")
    await AlarmDesk(MemoryAlarmView(desk.events), desk.events, desk.clock).acknowledge(NAME, by="wang")
    await desk.notice("fault")
    assert (await desk.alarm()).state is AlarmState.ACKNOWLEDGED


async def test_a_notice_about_the_device_itself_is_an_alarm_of_the_device() -> None:
    desk = Desk()
    await desk.notice("expired", address="")
    assert (await desk.alarm(alarm_id("DEVICE", "D1:out-of-range"))).state is AlarmState.UNACKNOWLEDGED


async def test_what_a_device_tells_again_because_nobody_acknowledged_it_rings_no_second_time() -> None:
    desk = Desk()
    for _ in range(2):  # two sessions, in each of which the device lists the same transitions by their own times
        for state, at in (("offnormal", 1_000_000), ("normal", 2_000_000)):
            await desk.notice(state, from_state="", observed_at=at)
    assert (await desk.alarm()).occurrence == 1
    await desk.notice("offnormal", observed_at=1_000_000)  # told as it happens, by a clock that was set back
    assert (await desk.alarm()).occurrence == 2


async def test_a_certificate_that_was_replaced_rings_no_longer() -> None:
    desk = Desk()
    name = alarm_id("DEVICE", "D1:server.der")
    await desk.notice("expires-within-30-days", address="server.der", kind="certificate-expiry")
    await desk.notice("expired", address="server.der", kind="certificate-expiry")
    assert ((await desk.alarm(name)).active, (await desk.alarm(name)).occurrence) == (True, 1)
    await desk.notice("valid", address="server.der", kind="certificate-expiry")
    assert (await desk.alarm(name)).state is AlarmState.RETURNED_UNACKNOWLEDGED


async def test_after_an_outage_of_the_log_amid_many_notices_nothing_rings_twice() -> None:
    desk = Desk()
    states = ("high-limit", "normal", "fault")
    events = [
        DeviceNoticed(device="D1", address="1", kind="out-of-range", from_state="", to_state=state, observed_at=at)
        for at, state in enumerate(states)
    ]
    await desk.events.append([Append("device/D1", events, "collector/c1")])
    append, left = desk.events.append, [2]

    async def failing(appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> object:
        if not left[0]:
            msg = "away"
            raise EventLogUnavailableError(msg)
        left[0] -= 1
        return await append(appends, checkpoint)

    desk.events.append = failing  # type: ignore[method-assign, assignment]
    with pytest.raises(EventLogUnavailableError):
        await desk.keeper.catch_up()
    desk.events.append = append  # type: ignore[method-assign]
    await desk.keeper.catch_up()
    assert (await desk.alarm()).occurrence == 2  # one for the limit, one for the fault


async def test_devices_that_are_not_in_the_site_ring_nothing() -> None:
    desk = Desk()
    await desk.notice("high-limit", device="gone")
    assert await desk.events.read(0, 100, "alarm/") == []


async def test_after_a_restart_nothing_rings_twice_and_nothing_is_missed() -> None:
    desk = Desk()
    await desk.notice("high-limit")
    await desk.notice("normal")
    desk.keeper = desk.make()
    await desk.keeper.catch_up()
    assert (await desk.alarm()).occurrence == 1
    await desk.notice("low-limit")
    assert (await desk.alarm()).occurrence == 2


@pytest.mark.parametrize(
    ("theirs", "ours"), [(0, 1), (63, 1), (64, 2), (127, 2), (128, 3), (191, 3), (255, 4), (None, 3)]
)
def test_priorities_are_those_of_the_buildings_table(theirs: int | None, ours: int) -> None:
    assert priority_of(theirs) == ours
