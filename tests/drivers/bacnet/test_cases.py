"""Properties as devices sent them, and what must be made of them. A new device is a folder under ``cases``."""

import tomllib
from pathlib import Path

import pytest
from tests.support.bacnet_answers import multiple, result
from tests.support.bacnet_device import bacnet_point

from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Object, parse_address
from cityhall_drivers.bacnet.plan import BacnetPlan

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_device_gives_the_expected_values(case: Path) -> None:
    rows = tomllib.loads((case / "device.toml").read_text(encoding="utf-8"))["point"]
    options = [{key: row[key] for key in ("scale", "offset") if key in row} for row in rows]
    points = [bacnet_point(row["address"], row["role"], **one) for row, one in zip(rows, options, strict=True)]
    plan = BacnetPlan([BoundPoint(number, point) for number, point in enumerate(points)], size_max=20)
    said, scan = results((case / "objects.hex").read_text()), plan.begin()
    for group in plan.groups:
        for _ in range(2):  # walked, then by what was learnt from that
            scan.put(group, group.understood(multiple(said[target] for target in group.objects)))
    readings = plan.readings(scan, observed_at=1)
    lines = [
        f"{point.role} {value:.10g} {Quality(quality).reason or 'good'}"
        for point, value, quality in zip(points, readings.value.tolist(), readings.quality.tolist(), strict=True)
    ]
    assert [normal(line) for line in lines] == [
        normal(line) for line in (case / "expected.txt").read_text().splitlines()
    ]


def normal(line: str) -> tuple[str, str, str]:
    role, value, quality = line.split()
    return role, f"{float(value):.10g}", quality


def results(text: str) -> dict[Object, bytes]:
    """What the device says of each object; the case is written as application tags."""
    found = {}
    for line in text.splitlines():
        address, value, flags = line.split()
        target = parse_address(address)
        found[target] = result(*target, bytes.fromhex(value), bytes.fromhex(flags))
    return found
