"""Properties as devices sent them, and what must be made of them. A new device is a folder under ``cases``."""

import tomllib
from pathlib import Path

import pytest
from tests.support.bacnet_device import bacnet_point

from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import PRESENT_VALUE, STATUS_FLAGS, Answer, Object, Value, answer_of, parse_address
from cityhall_drivers.bacnet.plan import BacnetPlan

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_device_gives_the_expected_values(case: Path) -> None:
    rows = tomllib.loads((case / "device.toml").read_text(encoding="utf-8"))["point"]
    options = [{key: row[key] for key in ("scale", "offset") if key in row} for row in rows]
    points = [bacnet_point(row["address"], row["role"], **one) for row, one in zip(rows, options, strict=True)]
    plan = BacnetPlan([BoundPoint(number, point) for number, point in enumerate(points)], size_max=20)
    readings = plan.readings(answers((case / "objects.hex").read_text()), observed_at=1)
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


def answers(text: str) -> dict[Object, Answer]:
    found = {}
    for line in text.splitlines():
        address, value, flags = line.split()
        found[parse_address(address)] = answer_of({PRESENT_VALUE: tagged(value), STATUS_FLAGS: tagged(flags)})
    return found


def tagged(text: str) -> Value:
    """Read an application tag as clause 20.2.1 writes it: number in the high nibble, length in the low three bits."""
    data = bytes.fromhex(text)
    number, length = data[0] >> 4, data[0] & 7
    if length == 5:
        assert data[1] == len(data) - 2
        return Value(number, data[2:], data[1])
    assert number == 1 or length == len(data) - 1
    return Value(number, data[1:], length)
