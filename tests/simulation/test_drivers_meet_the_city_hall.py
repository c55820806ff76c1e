"""The service's own drivers against the simulator, which shares no code with them: both must mean the same."""

import asyncio
import math
from pathlib import Path

from tests.support.city_hall import CityHall, running_city_hall

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.driver import BoundPoint
from cityhall_simulators.addresses import modbus_map
from cityhall_simulators.description import load_building

BUILDING = load_building("small")
ROLES = {point.name: point.role for point in BUILDING.points}
STEPS = {
    point.name: register.scale
    for device in BUILDING.devices
    if device.protocol == "modbus"
    for point, register in zip(device.points, modbus_map(device).values(), strict=True)
    if not register.type.startswith("float")
}
"""What one count of an integer register is worth."""
# Values move while the test reads them: fast ones by seconds of travel, the others by their sensor's noise.
MOVING = {
    "CarPos",
    "LoadPct",
    "DriveSts",
    "Dir",
    "DoorSts",
    "Trips",
    "LockSts",
    "GateIn",
    "GateOut",
    "EntryCnt",
    "ExitCnt",
}
LIFTS_MOVE = {
    f"{meter}.{role}"
    for meter in ("EM03", "HVM01")
    for role in ["kW", "kVAR", "kVA", "PF", "I1", "I2", "I3", "Iavg", "Vavg"]
}
"""Starting cars move the power of their bank, and of the building, between two reads."""


async def read_everything(site: Site) -> dict[str, tuple[float, int]]:
    """Value and quality of every point, each device read once by its driver."""
    factories = find_factories()
    found: dict[str, tuple[float, int]] = {}
    for device in site.devices.values():
        driver = factories[device.protocol].create(device, SystemClock())
        points = site.points_of(device.name)
        plan = driver.plan([BoundPoint(number, point) for number, point in enumerate(points, 1)])
        await driver.open()
        try:
            readings = await driver.read(plan)
        finally:
            await driver.close()
        by_id = dict(enumerate(points, 1))
        for point_id, value, quality in zip(readings.point, readings.value, readings.quality, strict=True):
            found[by_id[int(point_id)].name] = (float(value), int(quality))
    return found


def is_near(name: str, before: float, value: float, after: float) -> bool:
    role = ROLES[name]
    slack = 3.0 * role.resolution + 1e-4 * abs(before) + 0.011 + STEPS.get(name, 0.0) / 2.0
    if role.role == "CO2":
        slack += 2.0
    return min(before, after) - slack <= value <= max(before, after) + slack


async def test_every_point_of_the_small_city_hall_is_read_good_and_true(tmp_path: Path) -> None:
    async with running_city_hall(tmp_path) as city_hall:
        site = load_site(city_hall.site_dir, find_factories())
        before = await asyncio.to_thread(city_hall.truth)
        found = await read_everything(site)
        after = await asyncio.to_thread(city_hall.truth)
        await dropped_out_sensors_are_bad(city_hall, site)
    assert set(found) == set(before)
    assert {name for name, (_, quality) in found.items() if quality != Quality.GOOD} == set()
    wrong = {
        name: (before[name], value, after[name])
        for name, (value, _) in found.items()
        if not is_moving(name) and not is_near(name, before[name], value, after[name])
    }
    assert wrong == {}


def is_moving(name: str) -> bool:
    *_, equipment, role = name.split(".")
    return role in MOVING or f"{equipment}.{role}" in LIFTS_MOVE


async def dropped_out_sensors_are_bad(city_hall: CityHall, site: Site) -> None:
    """A lost sensor is never a number, whatever its protocol and type."""
    lost = ["AHU02.RAT", "CHC01.CHWR_T", "IAQ01.T", "IAQ01.CO2", "EM01.kW", "PMS01.Occ"]
    for target in lost:
        await asyncio.to_thread(city_hall.fault_on, "sensor_dropout", target)
    async with asyncio.timeout(20.0):
        while not_yet_lost(site, lost, await read_everything(site)):
            pass


def not_yet_lost(site: Site, lost: list[str], found: dict[str, tuple[float, int]]) -> list[str]:
    return [target for target in lost if not is_lost(site, target, found)]


def is_lost(site: Site, target: str, found: dict[str, tuple[float, int]]) -> bool:
    """Bad by the driver, or a sentinel outside the physical range, which the collector grades bad."""
    name = next(name for name in found if name.endswith(f".{target}"))
    value, quality = found[name]
    low, high = site.points[name].low, site.points[name].high
    assert low is not None
    assert high is not None
    return quality != Quality.GOOD or math.isnan(value) or not low <= value <= high
