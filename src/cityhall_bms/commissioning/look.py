"""Looking for devices, and at one device's points: drivers asked outside of any schedule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.capabilities import (
    DiscoveringFactory,
    ExaminableDriver,
    Examined,
    FoundDevice,
    PlannedRequest,
)
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, DriverFactory


@dataclass(frozen=True, slots=True)
class Look:
    """One device as it is read: the requests of each scan interval (s), and every point with its bytes."""

    plan: Sequence[tuple[float, Sequence[PlannedRequest]]]
    points: Sequence[Examined]


async def discover(
    factory: DriverFactory, where: str, clock: Clock, within_s: float, on_found: Callable[[FoundDevice], None]
) -> list[FoundDevice]:
    """Find devices; ``on_found`` hears of each. :class:`DriverConfigError` when the protocol cannot look."""
    if not isinstance(factory, DiscoveringFactory):
        msg = "this protocol has no discovery: describe its devices by hand"
        raise DriverConfigError(msg)
    found: list[FoundDevice] = []
    async for device in factory.discover(where, clock, within_s=within_s):
        on_found(device)
        found.append(device)
    return found


def explain(factory: DriverFactory, device: Device, points: Sequence[BoundPoint], clock: Clock) -> Look:
    """How a device would be read, without asking it."""
    driver = _examinable(factory, device, clock)
    return Look(_plan(driver, points), ())


async def examine(factory: DriverFactory, device: Device, points: Sequence[BoundPoint], clock: Clock) -> Look:
    """Ask a device for each point once, and show what it says. ``DeviceUnreachableError`` when it says nothing."""
    driver = _examinable(factory, device, clock)
    await driver.open()
    try:
        return Look(_plan(driver, points), await driver.examine(points))
    finally:
        await driver.close()


def _plan(driver: ExaminableDriver, points: Sequence[BoundPoint]) -> list[tuple[float, Sequence[PlannedRequest]]]:
    periods = sorted({bound.point.scan_s for bound in points})
    return [(scan_s, driver.explain([one for one in points if one.point.scan_s == scan_s])) for scan_s in periods]


def _examinable(factory: DriverFactory, device: Device, clock: Clock):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """The device's driver, which is both :class:`Driver` and :class:`ExaminableDriver`."""
    driver = factory.create(device, clock)
    if not isinstance(driver, ExaminableDriver):
        msg = f"{device.name}: the driver of {device.protocol} cannot show single points"
        raise DriverConfigError(msg)
    return driver
