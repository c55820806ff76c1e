"""A collector with devices that can be written, its commander, and the desk: on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from tests.support.fake_driver import TEXT, FakeDevice, FakeDriver, FakeDriverFactory, fake_device
from tests.support.rig import QuickClock
from tests.support.stated_roles import StatedRoles

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_commands import MemoryCommandView
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.site_files.commanding import read_commanding
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.collector.command_deciding import Decider
from cityhall_bms.collector.command_record import CommandRecord
from cityhall_bms.collector.commander import Commander
from cityhall_bms.collector.plant_following import PlantFollower
from cityhall_bms.commanding.bulks import BulkOffice
from cityhall_bms.commanding.examining import Examiner, Grounds
from cityhall_bms.commanding.office import CommandOffice, Procedure
from cityhall_bms.commanding.override_keeper import OverrideKeeper
from cityhall_bms.commanding.streams import PointStreams
from cityhall_bms.domain.commanding.control import Command
from cityhall_bms.domain.commanding.plant import Present
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError
from cityhall_bms.domain.permits import Permit
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.capabilities import ReadBack
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandWish
from cityhall_bms.ports.driver import BoundPoint
from cityhall_bms.ports.permits import PermitFilter, PermitPage

WANG = Requester("王小明", Role.OPERATOR, "控制室 1")
LI = Requester("李小華", Role.SUPERVISOR)
AUTOMATION = Requester("demand", Role.SERVICE)
AHU, CHILLER, PUMP, PUMP2, TOWER = (f"TCH.B2.CN.{name}" for name in ("AHU01", "CHC01", "PCHP01", "PCHP02", "CT01"))
NOWHERE = Path("/nowhere")
"""A site without a file of its own: what is shipped holds."""
FCU, EVSE, PANEL = "TCH.B2.CN.FCU01", "TCH.B1.N.EVSE01", "TCH.B1.CN.FACP01"


@dataclass
class Panel(FakeDevice):
    """A device whose points can be written. ``lie`` keeps the old value and says yes; ``deaf`` takes writes silently."""

    held: dict[int, float] = field(default_factory=dict)
    writes: list[tuple[int, float | None, int]] = field(default_factory=list)
    arrays: dict[int, dict[int, float]] = field(default_factory=dict)
    lie: bool = False
    deaf: bool = False
    refuses: str = ""

    def of(self, points: NDArray[np.uint32], now: int) -> NDArray[np.float64]:
        del now
        return np.array([self.held.get(int(number), 0.0) for number in points])


class PanelDriver(FakeDriver):
    """Without priorities, as Modbus."""

    _device: Panel

    async def write(self, target: CommandTarget, value: float | None, priority: int) -> ReadBack:
        panel = self._device
        if value is None:
            msg = "no priorities"
            raise DeviceRefusedError(msg)
        if panel.refuses:
            raise DeviceRefusedError(panel.refuses)
        panel.writes.append((target.point_id, value, priority))
        if not panel.lie:
            panel.held[target.point_id] = value
        if panel.deaf:
            msg = "no answer within 2 s"
            raise DeviceUnreachableError(msg)
        return ReadBack(panel.held.get(target.point_id, 0.0), Quality.GOOD)


class ArrayDriver(FakeDriver):
    """With a priority array per point, as BACnet; 0 holds when nobody does."""

    _device: Panel

    async def write(self, target: CommandTarget, value: float | None, priority: int) -> ReadBack:
        panel = self._device
        panel.writes.append((target.point_id, value, priority))
        slots = panel.arrays.setdefault(target.point_id, {})
        if value is None:
            slots.pop(priority, None)
        else:
            slots[priority] = value
        panel.held[target.point_id] = slots[min(slots)] if slots else 0.0
        return ReadBack(panel.held[target.point_id], Quality.GOOD, min(slots, default=None))

    async def priorities(self, bound: BoundPoint) -> Mapping[int, float]:
        return dict(self._device.arrays.get(bound.point_id, {}))


class PanelFactory(FakeDriverFactory):
    """Devices whose name ends in ``-bacnet`` keep priorities."""

    def device(self, name: str) -> Panel:
        if name not in self.devices:
            panel = Panel(name)
            panel.values = panel.of
            self.devices[name] = panel
        found = self.devices[name]
        assert isinstance(found, Panel)
        return found

    def create(self, device: Device, clock: Clock) -> FakeDriver:
        self.created += 1
        kind = ArrayDriver if device.name.endswith("-bacnet") else PanelDriver
        return kind(self.device(device.name), device.timeout_s, clock)


@dataclass
class Permits:
    """Permits as a test lists them; whoever asks gives others a turn, as with a database."""

    permits: list[Permit] = field(default_factory=list)

    async def page(self, which: PermitFilter, limit: int, before: int | None) -> PermitPage:
        await asyncio.sleep(0)
        return PermitPage([one for one in self.permits if one.kind is which.kind], None)

    async def get(self, permit: str) -> Permit | None:
        return next((one for one in self.permits if one.permit == permit), None)

    async def due(self, now: int) -> Sequence[Permit]:
        return []

    async def in_force(self, position: int, at: int) -> Sequence[Permit]:
        return self.permits


def point(name: str, kind: PointKind, device: str, **changes: object) -> Point:
    equipment, _, role = name.rpartition(".")
    plain: dict[str, object] = {
        "name": name, "text": TEXT, "equipment": equipment, "role": role, "kind": kind, "unit": "", "device": device,
        "address": name, "encoding": Encoding(), "low": None, "high": None, "scan_s": 5.0,
    }  # fmt: skip
    return Point(**(plain | changes))  # type: ignore[arg-type]


def plant_site() -> Site:
    """A chiller with its pumps and tower, an air handler, a fan coil, a charger, and a fire panel."""
    equipment = [
        Equipment(AHU, "Air_Handling_Unit", System.HVAC, TEXT),
        Equipment(CHILLER, "Centrifugal_Chiller", System.HVAC, TEXT),
        Equipment(PUMP, "Chilled_Water_Pump", System.HVAC, TEXT),
        Equipment(PUMP2, "Chilled_Water_Pump", System.HVAC, TEXT),
        Equipment(TOWER, "Cooling_Tower", System.HVAC, TEXT),
        Equipment(FCU, "Fan_Coil_Unit", System.HVAC, TEXT),
        Equipment(EVSE, "Electric_Vehicle_Charging_Station", System.PARKING, TEXT),
        Equipment(PANEL, "Fire_Alarm_Control_Panel", System.FIRE, TEXT),
    ]
    air, plant = "air-bacnet", "plant-modbus"
    points = [
        point(f"{AHU}.StartCmd", PointKind.DO, air),
        point(f"{AHU}.RunSts", PointKind.DI, air),
        point(f"{AHU}.LocRem", PointKind.DI, air),
        point(f"{AHU}.DuctSmoke", PointKind.DI, air),
        point(f"{AHU}.CCV_Cmd", PointKind.AO, air, low=0.0, high=100.0, unit="%"),
        point(f"{AHU}.SAT_SP", PointKind.SP, air, low=10.0, high=30.0, unit="°C"),
        point(f"{FCU}.ZoneSP", PointKind.SP, air, low=10.0, high=40.0, unit="°C"),
        point(f"{CHILLER}.EnableCmd", PointKind.DO, plant),
        point(f"{CHILLER}.RunSts", PointKind.DI, plant),
        point(f"{CHILLER}.LocRem", PointKind.DI, plant),
        point(f"{CHILLER}.CHW_Flow", PointKind.AI, plant),
        point(f"{CHILLER}.CDW_Flow", PointKind.AI, plant),
        point(f"{CHILLER}.CHWS_SP", PointKind.SP, plant, low=3.0, high=20.0, unit="°C"),
        point(f"{CHILLER}.CHWS_T", PointKind.AI, plant),
        point(f"{PUMP}.StartCmd", PointKind.DO, plant),
        point(f"{PUMP}.RunSts", PointKind.DI, plant),
        point(f"{PUMP}.FlowSw", PointKind.DI, plant),
        point(f"{PUMP2}.RunSts", PointKind.DI, plant),
        point(f"{PUMP2}.FlowSw", PointKind.DI, plant),
        point(f"{TOWER}.RunSts", PointKind.DI, plant),
        point(f"{EVSE}.LimitA", PointKind.AO, plant, low=0.0, high=40.0, unit="A"),
        point(f"{EVSE}.Free", PointKind.AO, plant),
        point(f"{PANEL}.Reset", PointKind.DO, "fire-modbus"),
        point(f"{PANEL}.Alarm", PointKind.DI, "fire-modbus"),
    ]
    policy = read_commanding(NOWHERE, equipment, points, Mistakes())
    return Site(
        code="TCH",
        text=TEXT,
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment={item.name: item for item in equipment},
        devices={name: fake_device(name) for name in (air, plant, "fire-modbus")},
        points={each.name: each for each in points},
        commanding=policy,
    )


class CommandRig:
    """Everything around one commander."""

    def __init__(self, site: Site | None = None) -> None:
        self.clock = QuickClock()
        self.telemetry = MemoryTelemetryLog(self.clock)
        self.events = MemoryEventLog(self.clock)
        self.factory = PanelFactory()
        self.site = site or plant_site()
        self.ids = {name: number for number, name in enumerate(self.site.points, 1)}
        self.permits = Permits()
        self.view = MemoryCommandView(self.events)
        tokens = count(1)
        self._make(lambda: f"token-{next(tokens)}")
        for each in self.site.points.values():
            if each.role == "LocRem":
                self.set(each.name, 1.0)

    def _make(self, new_token: Callable[[], str]) -> None:
        self.authority = StatedRoles()
        self.life = Life(self)
        procedure = Procedure(self.site.commanding.times, self.clock)
        grounds = Grounds(self.site, self.ids, self.permits, self.authority, self.clock, self)
        examiner = Examiner(grounds)
        self.office = CommandOffice(examiner, PointStreams(self.view, self.events), self.view, procedure, new_token)
        self.bulks = BulkOffice(examiner, self.view, self.events, procedure, new_token)
        self.keeper = OverrideKeeper(self.view, self.office, self.clock)

    def present(self, point: str, now: int) -> Present:
        """The desk sees the plant as the newest collector does, but not for how long."""
        return replace(self.life.follower.present(point, now), since=None)

    def panel(self, name: str) -> Panel:
        """The device of a point, or of that name."""
        device = self.site.points[name].device if name in self.site.points else name
        return self.factory.device(device)

    def set(self, name: str, value: float) -> None:
        """Let the device hold something."""
        self.panel(name).held[self.ids[name]] = value

    def held(self, name: str) -> float:
        """What the device holds."""
        return self.panel(name).held.get(self.ids[name], 0.0)

    def writes(self, name: str) -> list[tuple[float | None, int]]:
        """What its device was asked to write to a point, and at which priority."""
        number = self.ids[name]
        return [(value, priority) for point, value, priority in self.panel(name).writes if point == number]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """One life of the collector with its commander; the plant is known when the body begins."""
        self.life = Life(self)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(loop) for loop in (self.life.collector.run(), self.life.commander.run())]
            await self.clock.advance(10.0)
            try:
                yield
            finally:
                for task in running:
                    task.cancel()

    async def command(self, name: str, value: float | None, who: Requester = WANG, priority: int = 8) -> Command:
        """Select, confirm, and let it be carried out."""
        selection = await self.office.select(CommandWish(name, value, priority, "測試"), who)
        confirmed = await self.office.confirm(selection.command.command, selection.token, who)
        await self.clock.advance(0.5)
        return await self.office.get(confirmed.command)

    async def story(self, name: str) -> list[str]:
        """Types of a point's events."""
        return [entry.type for entry in await self.events.read(0, 1000, f"command/{name}")]


class Life:
    """One life of a collector process."""

    def __init__(self, rig: CommandRig, name: str = "collector-1") -> None:
        self.collector = Collector(
            rig.site,
            rig.ids,
            {"fake": rig.factory},
            Logs(rig.telemetry, rig.events),
            rig.clock,
            Random(1),
            options=CollectorOptions(name),
        )
        self.follower = PlantFollower(self.collector, None, rig.clock)
        decider = Decider(self.collector, self.follower, rig.permits, rig.authority, rig.clock)
        self.record = CommandRecord(name, rig.view, rig.events, rig.clock, Random(1))
        self.commander = Commander(self.collector, decider, self.follower, self.record, rig.clock)
