"""The shipped SNMP profiles: each passes the check and is read from an agent that holds its objects."""

from pathlib import Path

import pytest
from tests.drivers.profiles.test_profiles import PROFILES, site_with
from tests.support.snmp_agent import SnmpAgent, community

from cityhall_bms.adapters.installed_drivers import find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.snmp import DRIVER
from cityhall_drivers.snmp.addresses import oid_of

UPS = "1.3.6.1.2.1.33.1."
APC = "1.3.6.1.4.1.318.1.1.1."
CASES: dict[str, dict[str, tuple[str, str, int, float]]] = {
    "ups-rfc1628": {
        "BattSts": (f"{UPS}2.1.0", "Integer", 3, 3.0),
        "OnBattSec": (f"{UPS}2.2.0", "Integer", 42, 42.0),
        "MinRem": (f"{UPS}2.3.0", "Integer", 17, 17.0),
        "ChgPct": (f"{UPS}2.4.0", "Integer", 88, 88.0),
        "BattV": (f"{UPS}2.5.0", "Integer", 2714, 271.4),
        "BattT": (f"{UPS}2.7.0", "Integer", 26, 26.0),
        "InHz": (f"{UPS}3.3.1.2.1", "Integer", 600, 60.0),
        "InV": (f"{UPS}3.3.1.3.1", "Integer", 221, 221.0),
        "OutSrc": (f"{UPS}4.1.0", "Integer", 5, 5.0),
        "OutHz": (f"{UPS}4.2.0", "Integer", 599, 59.9),
        "OutV": (f"{UPS}4.4.1.2.1", "Integer", 220, 220.0),
        "OutA": (f"{UPS}4.4.1.3.1", "Integer", 153, 15.3),
        "OutW": (f"{UPS}4.4.1.4.1", "Integer", 3200, 3200.0),
        "OutPct": (f"{UPS}4.4.1.5.1", "Integer", 64, 64.0),
        "AlmCnt": (f"{UPS}6.1.0", "Gauge32", 1, 1.0),
        "TestRes": (f"{UPS}7.3.0", "Integer", 6, 6.0),
    },
    "apc-powernet-ups": {
        "BattSts": (f"{APC}2.1.1.0", "Integer", 2, 2.0),
        "OnBattSec": (f"{APC}2.1.2.0", "TimeTicks", 4200, 42.0),
        "SecRem": (f"{APC}2.2.3.0", "TimeTicks", 234_000, 2340.0),
        "BattRepl": (f"{APC}2.2.4.0", "Integer", 1, 1.0),
        "ChgPct": (f"{APC}2.3.1.0", "Gauge32", 995, 99.5),
        "BattT": (f"{APC}2.3.2.0", "Gauge32", 245, 24.5),
        "BattV": (f"{APC}2.3.4.0", "Integer", 547, 54.7),
        "InV": (f"{APC}3.3.1.0", "Gauge32", 2214, 221.4),
        "InHz": (f"{APC}3.3.4.0", "Gauge32", 600, 60.0),
        "OutSts": (f"{APC}4.1.1.0", "Integer", 2, 2.0),
        "OutV": (f"{APC}4.3.1.0", "Gauge32", 2201, 220.1),
        "OutHz": (f"{APC}4.3.2.0", "Gauge32", 600, 60.0),
        "OutPct": (f"{APC}4.3.3.0", "Gauge32", 371, 37.1),
        "OutA": (f"{APC}4.3.4.0", "Gauge32", 86, 8.6),
    },
    "switch-if-mib": {
        "UpSec": ("1.3.6.1.2.1.1.3.0", "TimeTicks", 12_345, 123.45),
        "Ifs": ("1.3.6.1.2.1.2.1.0", "Integer", 52, 52.0),
        **{
            f"If{row}{role}": (f"1.3.6.1.2.1.{place}.{row}", kind, value + row, float(value + row))
            for row in (1, 2)
            for role, place, kind, value in (
                ("Sts", "2.2.1.8", "Integer", 0),
                ("InErr", "2.2.1.14", "Counter32", 30),
                ("OutErr", "2.2.1.20", "Counter32", 40),
                ("InB", "31.1.1.1.6", "Counter64", 2**40),
                ("OutB", "31.1.1.1.10", "Counter64", 2**41),
            )
        },
    },
}
"""Object, type and value by role; numbers of the objects from the documents that the profiles cite."""


@pytest.mark.parametrize("name", CASES)
async def test_a_profile_reads_the_objects_of_its_source(name: str, agent: SnmpAgent, tmp_path: Path) -> None:
    case = CASES[name]
    agent.set({oid: (kind, raw) for oid, kind, raw, _ in case.values()})
    folder = site_with(tmp_path / "site", name, agent.port)
    settings = community(folder)
    device = folder / "devices/d.toml"
    device.write_text(
        device.read_text().replace("modbus", "snmp") + f'community_file = "{settings["community_file"]}"\n'
    )
    site = load_site(folder, {"snmp": DRIVER()}, find_profile_folders())
    points = [BoundPoint(number, point) for number, point in enumerate(site.points.values(), 1)]
    assert {bound.point.role: oid_of(bound.point.address) for bound in points} == {
        role: oid_of(oid) for role, (oid, *_) in case.items()
    }
    driver = DRIVER().create(site.devices["d"], SystemClock())
    await driver.open()
    readings = await driver.read(driver.plan(points))
    await driver.close()

    assert not readings.quality.any()
    assert readings.value.tolist() == pytest.approx([case[bound.point.role][3] for bound in points])


def test_every_snmp_profile_has_its_case() -> None:
    assert {name for name, one in PROFILES.items() if one["profile"]["protocol"] == "snmp"} == set(CASES)
