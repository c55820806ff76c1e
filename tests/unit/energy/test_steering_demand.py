"""Demand steered from end to end: real desk, commander, collector and record; devices and demand are the test's."""

import math
from dataclasses import replace

import numpy as np
from tests.support.command_rig import NOWHERE, CommandRig, point
from tests.support.fake_driver import TEXT, fake_device

from cityhall_bms.adapters.site_files.commanding import read_commanding
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.shedding import shipped_shedding
from cityhall_bms.domain.alarm_stream import fold
from cityhall_bms.domain.alarms import Alarm, stream_of
from cityhall_bms.domain.energy.demand import WINDOW_US, DemandNow, window_begin
from cityhall_bms.domain.energy.demand_meters import DemandLimit
from cityhall_bms.domain.energy.shedding import ChargingPlan, Phase, SheddingMode, SheddingState, Split
from cityhall_bms.domain.energy.shedding_events import SHEDDING_STREAM
from cityhall_bms.domain.energy.tariffs import TariffPeriod
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.site import Equipment, PointKind, Site, System
from cityhall_bms.energy.demand_alarm import IDENTITY
from cityhall_bms.energy.demand_watch import DemandSight
from cityhall_bms.energy.shedding_desk import SheddingDesk
from cityhall_bms.roles.demand import demand_keepers

CONTRACT_KW = 5000.0
TICK_S = 5.0
STATIONS = [f"TCH.B1.N.EVSE0{number}" for number in range(1, 5)]
HANDLERS = [f"TCH.0{number}.E.AHU0{number}" for number in range(1, 5)]
COILS = ["TCH.01.CN.FCU01", "TCH.02.CN.FCU02"]
CHILLER = "TCH.B2.CN.CHC01"
LIMITS = [f"{name}.LimitA" for name in STATIONS]


def building(mode: SheddingMode, charging: ChargingPlan | None = None) -> Site:
    kinds = [
        (STATIONS, "Electric_Vehicle_Charging_Station", System.PARKING),
        (HANDLERS, "Air_Handling_Unit", System.HVAC),
        (COILS, "Fan_Coil_Unit", System.HVAC),
        ([CHILLER], "Centrifugal_Chiller", System.HVAC),
    ]
    equipment = [Equipment(name, cls, system, TEXT) for names, cls, system in kinds for name in names]
    points = [
        *(point(name, PointKind.AO, "ev-modbus", low=0.0, high=32.0, unit="A") for name in LIMITS),
        *(point(f"{name}.Status", PointKind.MI, "ev-modbus") for name in STATIONS),
        *(point(f"{name}.kW", PointKind.AI, "ev-modbus", unit="kW") for name in STATIONS),
        *(point(f"{name}.StartCmd", PointKind.DO, "air-bacnet") for name in HANDLERS),
        *(point(f"{name}.RunSts", PointKind.DI, "air-bacnet") for name in HANDLERS),
        *(point(f"{name}.ZoneSP", PointKind.SP, "coils-modbus", low=22.0, high=30.0, unit="°C") for name in COILS),
        point(f"{CHILLER}.DmdLimit", PointKind.AO, "chiller-modbus", low=40.0, high=100.0, unit="%"),
    ]
    shipped = shipped_shedding()
    return Site(
        code="TCH",
        text=TEXT,
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment={item.name: item for item in equipment},
        devices={name: fake_device(name) for name in ("ev-modbus", "air-bacnet", "coils-modbus", "chiller-modbus")},
        points={each.name: each for each in points},
        commanding=read_commanding(NOWHERE, equipment, points, Mistakes()),
        shedding=replace(shipped.plan(shipped.step), mode=mode, charging=charging),
    )


class Steered(CommandRig):
    """The plant with keepers that look every five seconds at a demand that the test sets."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.share = 0.8
        self.closed_share = 0.8
        self.table = LiveTable(dict.fromkeys(self.ids.values(), 5.0))
        self.number = 0
        self.position = 0
        self.desk = SheddingDesk(site, self.events, self.clock)
        self.take_over()
        for name in LIMITS:
            self.set(name, 32.0)
        for name in HANDLERS:
            self.set(f"{name}.StartCmd", 1.0)
            self.set(f"{name}.RunSts", 1.0)
        self.set(f"{COILS[0]}.ZoneSP", 26.0)
        self.set(f"{COILS[1]}.ZoneSP", 27.5)
        self.set(f"{CHILLER}.DmdLimit", 100.0)

    def take_over(self) -> None:
        """Another process leads from now on: it knows only what is recorded."""
        self.keepers = demand_keepers(self.site, self.ids, (self.office, self.view), self.events, self.clock)

    async def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            await self.clock.advance(TICK_S)
            reader = await self.telemetry.reader(after=self.position)
            for logged in await reader.fetch(10_000, 0.0):
                self.table.apply(logged.batch)
                self.position = logged.position
            await reader.close()
            for keeper in self.keepers:
                await keeper.look(self.sight(), self)  # type: ignore[arg-type]

    def sight(self) -> DemandSight:
        self.number += 1
        at = self.clock.now()

        def row(value: float) -> np.ndarray:
            return np.array([value])

        forecast, last = self.share * CONTRACT_KW, self.closed_share * CONTRACT_KW
        now = DemandNow(at, window_begin(at), row(0.0), row(forecast), row(forecast), row(1.0), row(last), row(1.0))
        return DemandSight(self.number, now, DemandLimit(TariffPeriod.PEAK, CONTRACT_KW, "t@2026-01-01"))

    async def state(self) -> SheddingState:
        return await self.desk.state()

    async def taken(self) -> list[str]:
        return [shed.step for shed in (await self.state()).taken]

    async def told(self) -> list[tuple[str, str, bool]]:
        entries = await self.events.read(0, 1000, SHEDDING_STREAM)
        return [
            (entry.type.removeprefix("Shedding"), entry.payload["step"], entry.payload["restore"]) for entry in entries
        ]

    async def alarm(self) -> Alarm:
        return fold(Alarm(IDENTITY), await self.events.read(0, 1000, stream_of(IDENTITY)))


def limits(rig: Steered) -> list[float]:
    return [rig.held(name) for name in LIMITS]


async def test_loads_are_shed_step_by_step_and_given_back_in_reverse() -> None:
    rig = Steered(building(SheddingMode.AUTOMATIC))
    async with rig.running():
        await rig.go_on(60)
        assert await rig.told() == []
        rig.share = 0.96
        await rig.go_on(30)
        assert limits(rig) == [16.0] * 4, "the chargers really go down"
        assert await rig.taken() == ["charging"]
        await rig.go_on(860)
        assert rig.held(f"{COILS[0]}.ZoneSP") == 26.0, "a quarter of an hour between steps"
        await rig.go_on(40)
        assert [rig.held(f"{name}.ZoneSP") for name in COILS] == [27.0, 28.0]
        await rig.go_on(900)
        assert rig.held(f"{CHILLER}.DmdLimit") == 80.0
        await rig.go_on(900)
        assert await rig.taken() == ["charging", "zones", "chillers", "air_handlers"]
        assert [rig.held(f"{name}.StartCmd") for name in HANDLERS] == [0.0, 1.0, 0.0, 1.0]
        await rig.go_on(630)
        assert [rig.held(f"{name}.StartCmd") for name in HANDLERS][1::2] == [0.0, 0.0], "in turns"
        rig.share = rig.closed_share = 0.85
        await rig.go_on(4 * 900)
        await rig.go_on(3 * 900)
    assert await rig.taken() == [], [e.payload for e in await rig.events.read(0, 9999, SHEDDING_STREAM)][-1]
    restored = [step for what, step, restore in await rig.told() if what == "Settled" and restore]
    assert restored == ["air_handlers", "chillers", "zones", "charging"]
    assert limits(rig) == [32.0] * 4
    assert [rig.held(f"{name}.ZoneSP") for name in COILS] == [26.0, 27.5]
    assert rig.held(f"{CHILLER}.DmdLimit") == 100.0
    writes = [
        entry.payload for entry in await rig.events.read(0, 10_000, "command/") if entry.type == "CommandRequested"
    ]
    assert {(one["priority"], one["by"], one["role"]) for one in writes} == {(12, "demand", "service")}


async def test_whoever_takes_over_goes_on_where_the_other_was() -> None:
    rig = Steered(building(SheddingMode.AUTOMATIC))
    async with rig.running():
        rig.share = 0.97
        await rig.go_on(10)
        rig.take_over()  # begun, perhaps asked for, and not settled
        await rig.go_on(20)
        assert limits(rig) == [16.0] * 4
        assert [len(rig.writes(name)) for name in LIMITS] == [1] * 4, "asked for once"
        rig.take_over()
        await rig.go_on(600)
    assert await rig.taken() == ["charging"]
    assert [what for what, _, _ in await rig.told()] == ["Begun", "Settled"]


async def test_a_step_that_no_point_follows_is_not_taken_and_says_why() -> None:
    rig = Steered(building(SheddingMode.AUTOMATIC))
    rig.panel(LIMITS[0]).refuses = "locked by key"
    async with rig.running():
        rig.share = 0.97
        await rig.go_on(120)
        state = await rig.state()
        assert state.taken == ()
        assert set(state.not_taken["charging"]) == set(LIMITS)
        assert "locked by key" in state.not_taken["charging"][LIMITS[0]]
        await rig.go_on(900)
    assert await rig.taken() == ["zones"], "the next one, a quarter of an hour later"


async def test_a_step_with_nothing_to_do_is_passed_over_at_once() -> None:
    rig = Steered(building(SheddingMode.AUTOMATIC))
    for name in LIMITS:
        rig.set(name, 10.0)
    async with rig.running():
        rig.share = 0.97
        await rig.go_on(30)
    assert await rig.taken() == ["zones"]
    assert limits(rig) == [10.0] * 4, "shedding never takes a limit off"


async def test_nothing_is_touched_before_a_person_agrees() -> None:
    rig = Steered(building(SheddingMode.PROPOSE))
    async with rig.running():
        rig.share = 0.96
        await rig.go_on(60)
        assert (await rig.told()) == [("Proposed", "charging", False)]
        assert limits(rig) == [32.0] * 4
        await rig.desk.answer(accepted=True, by="王小明", reason="同意")
        await rig.go_on(30)
        assert limits(rig) == [16.0] * 4
        rig.share = rig.closed_share = 0.8
        await rig.go_on(3 * 900)
        open_ = (await rig.state()).under_way
        assert open_ is not None
        assert (open_.phase, open_.restore) == (Phase.PROPOSED, True)
        assert limits(rig) == [16.0] * 4


async def test_the_alarm_rings_once_rings_again_when_it_is_urgent_and_ends() -> None:
    rig = Steered(building(SheddingMode.OFF))
    rig.share = 0.96
    await rig.go_on(55)
    assert not (await rig.alarm()).active
    await rig.go_on(20)
    assert ((await rig.alarm()).active, (await rig.alarm()).priority) == (True, 3)
    rig.share = math.nan
    await rig.go_on(60)
    assert (await rig.alarm()).active, "on nothing nothing is decided"
    rig.share = 0.99
    await rig.go_on(70)
    alarm = await rig.alarm()
    assert (alarm.priority, alarm.value, alarm.limit) == (2, 4950.0, 5000.0)
    rig.share = 0.945
    await rig.go_on(60)
    assert (await rig.alarm()).active, "within the deadband"
    rig.share = 0.93
    await rig.go_on(10)
    assert not (await rig.alarm()).active
    rig.share, rig.closed_share = 0.5, 1.02
    await rig.go_on((WINDOW_US / 1e6) + 30)
    assert (await rig.alarm()).occurrence == 2, "a window ended over the contract"
    assert [entry.type for entry in await rig.events.read(0, 100, stream_of(IDENTITY))] == [
        "AlarmRaised", "AlarmPriorityChanged", "AlarmReturned", "AlarmRaised", "AlarmReturned",
    ]  # fmt: skip


async def test_stations_share_what_the_contract_leaves() -> None:
    plan = ChargingPlan(("Electric_Vehicle_Charging_Station",), feeder_limit_a=64.0, split=Split.FIFO)
    rig = Steered(building(SheddingMode.AUTOMATIC, plan))
    first, second, third, unused = STATIONS
    rig.set(f"{first}.Status", 2.0)
    async with rig.running():
        await rig.go_on(60)
        assert limits(rig) == [32.0, 0.0, 0.0, 0.0]
        rig.set(f"{third}.Status", 3.0)
        rig.set(f"{second}.Status", 1.0)
        await rig.go_on(120)
        assert limits(rig) == [32.0, 26.0, 6.0, 0.0]
        # 0.95 x 5000 kW leaves 4.4 kW beside what the building takes without its stations: 20 A at 220 V.
        rig.share = (0.95 * CONTRACT_KW - 4.41) / CONTRACT_KW
        await rig.go_on(60)
        assert limits(rig) == [8.0, 6.0, 6.0, 0.0]
        rig.share = math.nan
        await rig.go_on(60)
        assert limits(rig)[:3] == [6.0, 6.0, 6.0], "on an unknown demand everybody gets the least"
    changes = [rig.writes(f"{name}.LimitA") for name in STATIONS]
    assert all(value == 0.0 or value >= 6.0 for story in changes for value, _ in story if value is not None)
    assert unused not in {name for name, story in zip(STATIONS, changes, strict=True) if len(story) > 1}


async def test_a_station_that_forgot_its_limit_is_told_again_and_one_that_a_person_holds_is_left_alone() -> None:
    plan = ChargingPlan(("Electric_Vehicle_Charging_Station",), feeder_limit_a=20.0)
    rig = Steered(building(SheddingMode.AUTOMATIC, plan))
    for name in STATIONS[:2]:
        rig.set(f"{name}.Status", 2.0)
    async with rig.running():
        await rig.go_on(60)
        assert limits(rig) == [10.0, 10.0, 0.0, 0.0]
        assert (await rig.command(LIMITS[1], 32.0)).value == 32.0
        rig.set(LIMITS[0], 32.0)  # its power failed
        before = len(rig.writes(LIMITS[1]))
        await rig.go_on(300)
    assert limits(rig) == [10.0, 32.0, 0.0, 0.0]
    assert len(rig.writes(LIMITS[1])) == before
