"""Water, comfort and charging over HTTP: a June of a house with a leak, a hose that never closes, and rain."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api
from tests.support.databases import DatabaseServers
from tests.support.histories import HOUR, MINUTE, T0, Row, logged

INLET, HOSE, RAIN, CHARGER, OFFICE = (
    "TCH.B2.CN.WM01", "TCH.01.E.WM02", "TCH.B2.CN.RWS01", "TCH.B2.CN.EVSE01", "TCH.01.E.FCU01",
)  # fmt: skip
EQUIPMENT = "".join(
    f"{name},{brick},{system},設備,Equipment,,\n"
    for name, brick, system in (
        (INLET, "Water_Meter", "water"), (HOSE, "Water_Meter", "water"),
        (RAIN, "Rain_Water_Storage_Tank", "water"),
        (CHARGER, "Electric_Vehicle_Charging_Station", "parking"), (OFFICE, "Fan_Coil_Unit", "hvac"),
    )
)  # fmt: skip
POINTS = "".join(
    f"{name}.{role},點,Point,{name},{role},{kind},{unit},chiller-1,input:{address},uint32,ABCD,0.001,,,,900,,\n"
    for name, role, kind, unit, address in (
        (INLET, "Vol", "CI", "m³", 301), (HOSE, "Vol", "CI", "m³", 303), (RAIN, "UsedVol", "CI", "m³", 305),
        (CHARGER, "kWh", "CI", "kWh", 307), (OFFICE, "ZoneT", "AI", "°C", 309), (OFFICE, "ZoneSP", "SP", "°C", 311),
    )
)  # fmt: skip
METERS = "".join(
    f'[[meter]]\nname = "{name}"\ncommodity = "{commodity}"\ntext_zh = "{name}"\ntext_en = "{name}"\npoint = "{point}"\n'
    f"{more}\n"
    for name, commodity, point, more in (
        ("INLET", "water", f"{INLET}.Vol", ""), ("HOSE", "water", f"{HOSE}.Vol", 'part_of = "INLET"\n'),
        ("RAIN", "rainwater", f"{RAIN}.UsedVol", ""), ("CHARGER", "ev", f"{CHARGER}.kWh", ""),
    )
)  # fmt: skip
SITE = """\
[[water.circuit]]
meter = "INLET"
legitimate_m3h = 0.2

[[water.circuit]]
meter = "HOSE"
rests = true
"""
DAYS = 30
BEGIN = T0 - 8 * HOUR - DAYS * 24 * HOUR
"""Midnight of 2026-06-01 in Taipei; the last day is the 30th, a Tuesday."""
NIGHTS = {"first": "2026-06-21", "last": "2026-06-30"}
JUNE = {"from": "2026-06-29T00:00:00+08:00", "to": "2026-07-01T00:00:00+08:00"}


def flows(quarter: int) -> tuple[float, float, float, float]:
    """What is counted in a quarter: inlet, hose and rain (m³), charger (kWh)."""
    day, hour = quarter // 96, quarter % 96 / 4
    at_night = hour < 6
    leak = day >= DAYS - 4
    hose = 0.05 if day >= DAYS - 8 else 0.0
    inlet = (1.0 if leak else 0.2) if at_night else 8.0
    return (inlet + hose) / 4, hose / 4, 0.5 / 4 if 8 <= hour < 10 else 0.0, 1.0 if 9 <= hour < 13 else 0.0


pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    """On the last two days the office is 1.5 K too warm from two to four."""
    folder = tmp_path_factory.mktemp("water") / "site"
    folder.mkdir()
    (folder / "environment.toml").write_text(SITE, encoding="utf-8")
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, folder, POINTS, more_equipment=EQUIPMENT) as rig,
    ):
        ids = rig.services.ids
        meters = [ids[f"{INLET}.Vol"], ids[f"{HOSE}.Vol"], ids[f"{RAIN}.UsedVol"], ids[f"{CHARGER}.kWh"]]
        readings = [100.0, 10.0, 1.0, 500.0]
        rows: list[Row] = []
        for quarter in range(DAYS * 96 + 1):
            at = BEGIN + quarter * 15 * MINUTE
            rows += [(point, at, reading, 0) for point, reading in zip(meters, readings, strict=True)]
            readings = [reading + flow for reading, flow in zip(readings, flows(quarter), strict=True)]
            if quarter >= (DAYS - 2) * 96:
                warm = 14 <= quarter % 96 / 4 < 16
                rows += [
                    (ids[f"{OFFICE}.ZoneT"], at, 27.5 if warm else 26.5, 0),
                    (ids[f"{OFFICE}.ZoneSP"], at, 26.0, 0),
                ]
        await rig.history.store([logged(1, rows)])
        while await rig.history.recompute():
            pass
        yield rig


async def ask(rig: ApiRig, path: str, **parameters: str) -> Any:
    answer = await rig.client.get(f"/api/v1{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_night_flow_finds_the_leak_and_the_hose_and_says_what_they_cost(house: ApiRig) -> None:
    found = await ask(house, "/water/night-flow", **NIGHTS)

    assert (found["nights"][0], found["nights"][-1], len(found["nights"])) == ("2026-06-21", "2026-06-30", 10)
    # Ratio, floor and rest are the parameters of rules W03-NIGHT and W03-REST.
    assert found["limits"] == {
        "ratio": 1.3, "floor_m3h": 0.1, "rest_m3h": 0.02, "high_nights": 3, "rest_nights": 7, "usual_days": 28,
    }  # fmt: skip
    assert found["leaks"] == 2
    by_name = {item["meter"]: item for item in found["items"]}
    inlet, hose = by_name["INLET"], by_name["HOSE"]
    assert [round(value, 6) for value in inlet["minimum_m3h"][-5:]] == [0.25, 1.05, 1.05, 1.05, 1.05]
    assert round(inlet["usual_m3h"][-1], 6) == 0.2
    assert (inlet["leak"], inlet["high_run"], inlet["rest_run"]) == (True, 4, 0)
    assert (inlet["legitimate_m3h"], inlet["legitimate_by"]) == (0.2, "configured")
    assert round(inlet["loss_m3_per_day"], 6) == round((1.05 - 0.2) * 24, 6)
    assert (hose["leak"], hose["rests"], hose["rest_run"], hose["high_run"]) == (True, True, 8, 0)
    assert round(hose["loss_m3_per_day"], 6) == round(0.05 * 24, 6)
    assert by_name["RAIN"]["leak"] is False
    assert by_name["RAIN"]["loss_m3_per_day"] is None

    before = await ask(house, "/water/night-flow", first="2026-06-27", last="2026-06-28", meter="INLET")
    assert [item["high_run"] for item in before["items"]] == [2]
    assert before["leaks"] == 0, "two nights are no leak yet"


async def test_nights_that_are_not_there_are_refused(house: ApiRig) -> None:
    for parameters, status in (
        ({"last": "2199-01-01"}, 400),
        ({"first": "2020-01-01", "last": "2026-06-30"}, 409),
        ({"meter": "NOTHING"}, 404),
        ({"meter": "CHARGER"}, 404),
    ):
        answer = await house.client.get("/api/v1/water/night-flow", params=parameters)
        assert answer.status_code == status, (parameters, answer.text)


async def test_the_share_of_rain_is_told_and_a_thin_year_only_when_asked(house: ApiRig) -> None:
    refused = await house.client.get("/api/v1/water/rainwater", params={"period": "115-06"})
    assert refused.status_code == 409, "of the year to the end of June only one month is known"

    found = await ask(house, "/water/rainwater", period="115-06", provisional="true")

    assert found["provisional"] is True
    assert round(found["rain"]["value"], 6) == 30.0
    assert found["rain"]["coverage"] > 0.99
    tap = 30 * (0.2 * 6 + 8 * 18) + 4 * 0.8 * 6 + 8 * 0.05 * 24
    # What flows after the last reading before midnight is counted with the next one.
    assert found["tap"]["value"] == pytest.approx(tap, abs=10.0)
    assert found["ratio_percent"] == pytest.approx(100 * 30 / (30 + tap), rel=0.01)
    assert found["used_this_year"]["value"] == found["rain"]["value"]
    assert (found["target"], found["progress_percent"], found["pace_shown"]) == (None, None, None)


async def test_use_per_person_needs_to_know_how_many_there_are(house: ApiRig) -> None:
    found = await ask(house, "/water/use", period="115-06")
    assert found["period"]["days"] == 30
    assert (found["provisional"], found["staff"], found["litres_per_person_day"]) == (False, None, None)


async def test_charging_is_told_by_month_with_what_it_saved(house: ApiRig) -> None:
    found = await ask(house, "/energy/charging", period="115-06")
    [june] = found["months"]
    assert round(june["kwh"], 6) == 30 * 16
    assert round(june["petrol_l"], 6) == 30 * 16 * 6 / 15
    assert found["factors"]["petrol_kgco2_per_l"] == 2.263
    assert june["saved_kgco2"] == pytest.approx(june["petrol_kgco2"] - june["grid_kgco2"])
    assert june["provisional"] is True, "ROC 115 has no factor of its own yet"


async def test_unmet_hours_are_counted_by_zone_and_floor_in_occupied_time(house: ApiRig) -> None:
    found = await ask(house, "/comfort/unmet-hours", **JUNE)

    assert (found["schedule"], found["above_k"], found["occupied_hours"]) == ("occupied", 1.0, 19.0)
    [office] = found["items"]
    assert (office["equipment"], office["floor"], office["zone"]) == (OFFICE, "01", "01.E")
    assert (office["unmet_hours"], office["known_hours"], office["worst_k"]) == (4.0, 19.0, 1.5)
    assert [(group["place"], group["unmet_hours"], group["units"]) for group in found["floors"]] == [("01", 4.0, 1)]
    assert [group["place"] for group in found["zones"]] == ["01.E"]

    earlier = {"from": "2026-06-25T00:00:00+08:00", "to": JUNE["to"]}
    thin = await ask(house, "/comfort/unmet-hours", **earlier)
    assert (thin["total"]["unmet_hours"], thin["total"]["coverage"]) == (None, 0.5)
    marked = await ask(house, "/comfort/unmet-hours", **earlier, provisional="true")
    assert (marked["total"]["unmet_hours"], marked["total"]["provisional"]) == (4.0, True)


async def test_a_house_without_monitors_of_air_has_no_figure_of_it(house: ApiRig) -> None:
    found = await ask(house, "/indoor-air/compliance", **JUNE, provisional="true")
    assert (found["overall"]["percent"], found["overall"]["coverage"], found["items"]) == (None, None, [])
    assert (await ask(house, "/indoor-air"))["items"] == []
    assert (await ask(house, "/indoor-air/exceedances", **JUNE))["items"] == []
    assert (await ask(house, "/indoor-air/monitors"))["items"] == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_moment_that_no_record_has_is_no_error_of_ours(house: ApiRig, moment: str) -> None:
    for path, parameters in (
        ("/indoor-air", {"at": moment}),
        ("/indoor-air", {"as_known_at": moment}),
        ("/indoor-air/compliance", {"from": moment, "to": JUNE["to"]}),
        ("/indoor-air/exceedances", {**JUNE, "as_known_at": moment}),
        ("/indoor-air/samples", {"as_known_at": moment}),
        ("/indoor-air/inspections", {"as_known_at": moment}),
        ("/water/night-flow", {"as_known_at": moment}),
        ("/water/use", {"period": "115-06", "as_known_at": moment}),
        ("/comfort/unmet-hours", {**JUNE, "as_known_at": moment}),
        ("/energy/charging", {"period": "115-06", "as_known_at": moment}),
        ("/label", {**JUNE, "as_known_at": moment}),
    ):
        answer = await house.client.get(f"/api/v1{path}", params=parameters)
        assert answer.status_code < 500, (path, parameters, answer.text)
