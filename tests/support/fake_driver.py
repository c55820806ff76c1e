"""A driver that behaves, until a test tells it not to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.domain.site import Device, Equipment, Point, PointKind, Site, System, Text
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem

EQUIPMENT = "CITYHALL.F01.Z01.AHU01"
TEXT = Text("空調箱", "air handler")


@dataclass(frozen=True)
class FakePlan:
    points: NDArray[np.uint32]
    requests: int = 1


def by_time(points: NDArray[np.uint32], now: int) -> NDArray[np.float64]:
    """A value that tells the point and the second it was read at."""
    return points * 1e6 + (now // 1_000_000) % 1_000_000


@dataclass
class FakeDevice:
    """The device behind the driver. ``fault`` is one of: none, refuses, silent, hangs, bug, close_bug."""

    name: str
    fault: str = ""
    values: Callable[[NDArray[np.uint32], int], NDArray[np.float64]] = by_time
    quality: int = 0
    latency_s: float = 0.0
    ahead_s: float = 0.0
    unanswered: frozenset[int] = frozenset()
    """Points whose plans get no answer."""
    unreadable: frozenset[int] = frozenset()
    """Points without a value, as methods are."""
    confused: bool = False
    """Gives the right values in another order than planned."""
    accepts_subscription: bool = False
    first_values_at: int | None = None
    """Time of the values that a new subscription gives at once; none = it gives none."""
    sink: Callable[[Readings], None] | None = None
    trouble: str | None = None
    """Why its session is over, as it finds out by itself."""
    pings: list[float] = field(default_factory=list)
    """Time-outs that probes were given."""
    remembers: list[Readings] = field(default_factory=list)
    """What it gives when it is asked for its history."""
    asked_history: list[tuple[int, int]] = field(default_factory=list)
    notices: Callable[[DeviceNotice], None] | None = None
    raw: bytes = b""
    opens: int = 0
    closes: int = 0
    reads: int = 0
    read_at: list[tuple[float, int]] = field(default_factory=list)

    def push(self, point: Sequence[int], at: int, value: Sequence[float]) -> None:
        """Push values to whoever subscribed."""
        assert self.sink is not None
        self.sink(
            Readings(
                np.array(point, np.uint32),
                np.full(len(point), at, np.int64),
                np.array(value, np.float64),
                np.zeros(len(point), np.uint8),
            )
        )


class FakeDriver:
    def __init__(self, device: FakeDevice, timeout_s: float, clock: Clock) -> None:
        self._device = device
        self._timeout_s = timeout_s
        self._clock = clock

    def plan(self, points: Sequence[BoundPoint]) -> FakePlan:
        planned = [bound.point_id for bound in points if bound.point_id not in self._device.unreadable]
        return FakePlan(np.array(planned, np.uint32))

    async def open(self) -> None:
        self._device.opens += 1
        await self._misbehave("connection refused")

    async def read(self, plan: FakePlan) -> Readings:
        device = self._device
        device.reads += 1
        device.read_at.append((self._clock.monotonic(), len(plan.points)))
        await self._clock.sleep(device.latency_s)
        await self._misbehave("connection lost")
        if device.unanswered & set(plan.points.tolist()):
            msg = "half of it is dead"
            raise DeviceUnreachableError(msg)
        now = self._clock.now()
        count = len(plan.points)
        return Readings(
            plan.points[::-1] if device.confused else plan.points.copy(),
            np.full(count, now + round(device.ahead_s * 1e6), np.int64),
            device.values(plan.points, now).astype(np.float64),
            np.full(count, device.quality, np.uint8),
            raw=device.raw,
        )

    async def close(self) -> None:
        self._device.closes += 1
        self._device.sink = None
        if self._device.fault == "close_bug":
            msg = "cannot even close"
            raise RuntimeError(msg)

    async def _misbehave(self, refusal: str) -> None:
        match self._device.fault:
            case "refuses":
                raise DeviceUnreachableError(refusal)
            case "silent":
                await self._clock.sleep(self._timeout_s)
                msg = f"no answer within {self._timeout_s:g} s"
                raise DeviceUnreachableError(msg)
            case "hangs":
                await asyncio.get_running_loop().create_future()
            case "bug" | "close_bug":
                msg = "list index out of range"
                raise IndexError(msg)
            case _:
                pass


class FakeBusDriver(FakeDriver):
    """One unit of a bus: one question at a time, and a probe of its own time-out."""

    def __init__(self, device: FakeDevice, timeout_s: float, clock: Clock, turn: asyncio.Lock) -> None:
        super().__init__(device, timeout_s, clock)
        self._turn = turn

    async def open(self) -> None:
        """The bus is there, whatever its units do."""
        self._device.opens += 1

    async def ping(self, within_s: float) -> None:
        self._device.pings.append(within_s)
        async with self._turn:
            if self._device.fault:
                await self._clock.sleep(within_s)
                msg = f"no answer within {within_s:g} s"
                raise DeviceUnreachableError(msg)
            await self._clock.sleep(self._device.latency_s)

    async def read(self, plan: FakePlan) -> Readings:
        async with self._turn:
            return await super().read(plan)


class FakeMemory(FakeDriver):
    """A device with a memory and a voice."""

    async def history(self, points: Sequence[BoundPoint], start: int, until: int) -> AsyncIterator[Readings]:
        self._device.asked_history.append((start, until))
        for readings in self._device.remembers:
            yield readings

    async def listen(self, sink: Callable[[DeviceNotice], None]) -> None:
        self._device.notices = sink

    async def acknowledge(self, notice: DeviceNotice, who: str) -> None: ...


class FakeSubscribableDriver(FakeDriver):
    async def subscribe(self, points: Sequence[BoundPoint], sink: Callable[[Readings], None]) -> bool:
        if self._device.accepts_subscription:
            self._device.sink = sink
            if self._device.first_values_at is not None:
                numbers = [bound.point_id for bound in points]
                self._device.push(numbers, self._device.first_values_at, [7.0] * len(numbers))
        return self._device.accepts_subscription

    def trouble(self) -> str | None:
        return self._device.trouble


class FakeDriverFactory:
    """Drivers of :class:`FakeDevice` by name."""

    def __init__(self) -> None:
        self.devices: dict[str, FakeDevice] = {}
        self.created = 0

    def device(self, name: str) -> FakeDevice:
        return self.devices.setdefault(name, FakeDevice(name))

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        del device, points
        return []

    def endpoint(self, device: Device) -> str:
        return f"fake {device.name}"

    def create(self, device: Device, clock: Clock) -> FakeDriver:
        self.created += 1
        fake = self.device(device.name)
        kind = FakeSubscribableDriver if fake.accepts_subscription else FakeDriver
        return kind(fake, device.timeout_s, clock)


class FakeBusFactory(FakeDriverFactory):
    """All its devices hang on one bus."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = asyncio.Lock()

    def bus(self, device: Device) -> str | None:
        del device
        return "bus"

    def create(self, device: Device, clock: Clock) -> FakeDriver:
        self.created += 1
        return FakeBusDriver(self.device(device.name), device.timeout_s, clock, self._turn)


class FakeMemoryFactory(FakeDriverFactory):
    """All its devices remember."""

    def create(self, device: Device, clock: Clock) -> FakeDriver:
        self.created += 1
        return FakeMemory(self.device(device.name), device.timeout_s, clock)


def fake_point(number: int, device: str, scan_s: float = 5.0, **changes: object) -> Point:
    plain: dict[str, object] = {
        "name": f"{EQUIPMENT}.P{number}",
        "text": TEXT,
        "equipment": EQUIPMENT,
        "role": f"P{number}",
        "kind": PointKind.AI,
        "unit": "degC",
        "device": device,
        "address": str(number),
        "encoding": None,
        "low": None,
        "high": None,
        "scan_s": scan_s,
    }
    return Point(**(plain | changes))  # type: ignore[arg-type]


def fake_device(name: str, **changes: object) -> Device:
    plain: dict[str, object] = {"name": name, "text": TEXT, "protocol": "fake", "settings": {}}
    return Device(**(plain | changes))  # type: ignore[arg-type]


def fake_site(devices: Sequence[Device], points: Sequence[Point]) -> tuple[Site, dict[str, int]]:
    """A site of these, and the numbers of its points in their order, from 1."""
    equipment = Equipment(EQUIPMENT, "Air_Handling_Unit", System.HVAC, TEXT)
    site = Site(
        code="CITYHALL",
        text=TEXT,
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment={EQUIPMENT: equipment},
        devices={device.name: device for device in devices},
        points={point.name: point for point in points},
    )
    return site, {point.name: number for number, point in enumerate(points, 1)}
