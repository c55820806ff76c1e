"""``make demo`` shows the whole building, and what it shows is true."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.demo import Demo, running_demo

from cityhall_simulators.description import load_building

ROLES = {point.name: point.role for point in load_building("full").points}
POINTS = 5061
KNOWN_WITHIN_S = 180.0
"""Everything is read once at the start, and then for as long as it takes on a machine that is busy with other tests."""
TOTALS = (
    "HVM.kWh", "TR.kWh", "LVP.kWh", "EM.kWh", "CHC.kWh", "CHS.kWh", "PV.kWh", "EVSE.kWh", "ELV.kWh", "ELV.kWhRegen",
    "PLT.Cool_kWh", "WM.Vol", "RWS.UsedVol", "PMS.EntryCnt",
)  # fmt: skip
STEADY = ("CHC.kW", "CHS.kW", "CWP.kW", "AHU.kW", "AHU.SA_Flow", "TNK.Lvl", "IAQ.T", "UPS.OutPct")
"""Instant values that a scan's time hardly moves; lifts move the building's power by a tenth within seconds."""

pytestmark = [pytest.mark.xdist_group("whole demo"), pytest.mark.timeout(360)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def seen(demo: Demo) -> tuple[dict[str, float], dict[str, dict[str, Any]], dict[str, float]]:
    """Truth, what the service shows, and truth again."""
    deadline_s = time.monotonic() + KNOWN_WITHIN_S
    while True:
        before = demo.truth()
        points = demo.points()
        if all(point["present"]["quality"] == "good" for point in points.values()):
            return before, points, demo.truth()
        unknown = {
            name: (point["device"], point["present"]["quality"], point["present"]["reason"])
            for name, point in points.items()
            if point["present"]["quality"] != "good"
        }
        assert time.monotonic() < deadline_s, dict(list(unknown.items())[:20])
        time.sleep(0.5)


def test_every_point_of_the_whole_building_is_good(
    seen: tuple[dict[str, float], dict[str, dict[str, Any]], dict[str, float]],
) -> None:
    _, points, _ = seen
    assert len(points) == POINTS
    assert set(points) == set(ROLES)


def names_of(points: dict[str, Any], total: str) -> list[str]:
    code, role = total.split(".")
    return [name for name in points if name.split(".")[3].rstrip("0123456789") == code and name.endswith(f".{role}")]


@pytest.mark.parametrize("total", TOTALS)
def test_counted_totals_agree_with_the_truth(
    seen: tuple[dict[str, float], dict[str, dict[str, Any]], dict[str, float]], total: str
) -> None:
    before, points, after = seen
    names = names_of(points, total)
    shown = sum(points[name]["present"]["value"] for name in names)
    # A scan is as old as a minute, and registers have hundredths.
    low = sum(before[name] for name in names) * (1.0 - 1e-4) - 0.01 * len(names)
    assert low <= shown <= sum(after[name] for name in names) + 0.01 * len(names) + 1e-6 * shown


@pytest.mark.parametrize("total", STEADY)
def test_present_values_agree_with_the_truth(
    seen: tuple[dict[str, float], dict[str, dict[str, Any]], dict[str, float]], total: str
) -> None:
    before, points, after = seen
    names = names_of(points, total)
    shown = sum(points[name]["present"]["value"] for name in names)
    low, high = sorted((sum(before[name] for name in names), sum(after[name] for name in names)))
    accuracy = sum(ROLES[name].resolution for name in names)
    assert 0.97 * low - accuracy <= shown <= 1.03 * high + accuracy


def test_the_main_meters_show_what_the_building_draws(
    demo: Demo, seen: tuple[dict[str, float], dict[str, dict[str, Any]], dict[str, float]]
) -> None:
    mains = names_of(seen[1], "HVM.kW")
    assert len(mains) == 2
    drawn, shown = [], []
    for _ in range(20):
        drawn.append(sum(demo.truth()[name] for name in mains))
        shown.append(sum(demo.get(f"/points/{name}")["present"]["value"] for name in mains))
        time.sleep(0.5)
    assert sum(shown) / len(shown) == pytest.approx(sum(drawn) / len(drawn), rel=0.04)
