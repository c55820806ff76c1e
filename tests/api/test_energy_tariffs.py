"""Tariffs, costs, bills and what-ifs over the interface, from counters in a real database."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api

from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.domain.energy.costs import calendar_edges
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.importing import import_history
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

ZONE = ZoneInfo("Asia/Taipei")
MAIN, BANK, REACTIVE = "TCH.B2.CN.PLT01.kWh", "TCH.B2.CN.CHC01.kWh", "TCH.B2.CN.PLT01.kVARh"
POINTS = "".join(
    f"{name},用電量,Energy,{name.rpartition('.')[0]},{name.rpartition('.')[2]},CI,{unit},chiller-1,input:{address},"
    "uint32,ABCD,0.01,,,,60,,\n"
    for name, unit, address in ((MAIN, "kWh", 209), (BANK, "kWh", 211), (REACTIVE, "kVARh", 213))
)
METERS = """\
[[tenant]]
name = "bank"
text_zh = "銀行"
text_en = "Bank"

[[meter]]
name = "MAIN"
commodity = "electricity"
text_zh = "總電表"
text_en = "Main meter"
point = "TCH.B2.CN.PLT01.kWh"

[[meter]]
name = "BANK"
commodity = "electricity"
text_zh = "銀行"
text_en = "Bank"
point = "TCH.B2.CN.CHC01.kWh"
part_of = "MAIN"
tenant = "bank"
"""
TARIFFS = """\
[billing]
meters = ["MAIN"]
reactive_points = ["TCH.B2.CN.PLT01.kVARh"]

[[contract]]
valid_from = 2025-10-01
tariff = "taipower-hv-three-stage"
regular_kw = 380
"""
QUARTER_US = 900_000_000
JULY = parse_period("2026-07")
PER_HOUR = np.array([[400.0], [10.0], [300.0]])
WINDOW = {"from": "2026-07-01T00:00:00+08:00", "to": "2026-08-01T00:00:00+08:00"}
PEAK, HALF, SATURDAY, OFF = 23 * 6, 23 * 9, 4 * 15, 23 * 9 + 4 * 9 + 4 * 24
"""Hours of July 2026 in each period: 23 weekdays, 4 Saturdays, 4 Sundays."""


class July:
    """A file of history: counters that count the same every quarter hour; the bank's is silent for three days."""

    def __init__(self, points: list[int]) -> None:
        self._points = np.array(points, np.uint32)
        edges = calendar_edges(ZONE, *JULY.bounds(ZONE), "1d")
        self.plan = ImportPlan("ab" * 32, "test", QUARTER_US, tuple(edges.tolist()), (np.sort(self._points),))

    def read_day(self, number: int) -> DayOfSamples:
        window = self.plan.day(number)
        at = np.arange(window.start, window.end, QUARTER_US)
        value = 1e4 + PER_HOUR * ((at - self.plan.edges[0]) / 3.6e9)
        quality = np.full(value.shape, Quality.GOOD, np.uint8)
        if 10 <= number <= 12:
            value[1], quality[1] = np.nan, Quality.BAD_DEVICE_FAULT
        order = np.argsort(self._points)
        return DayOfSamples(self._points[order], at, value[order], quality[order])


@pytest_asyncio.fixture
async def served(postgres_url: str, tmp_path: Path) -> AsyncIterator[ApiRig]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")
    (folder / "tariffs.toml").write_text(TARIFFS, encoding="utf-8")
    async with running_api(postgres_url, folder, POINTS) as running:
        yield running


@pytest_asyncio.fixture
async def rig(served: ApiRig) -> ApiRig:
    services = served.services
    file = July([services.ids[name] for name in (MAIN, BANK, REACTIVE)])
    async with PostgresImport.open(served.dsn, services.clock, services.site.time_zone) as store:
        await import_history(file, store, served.events)
    return served


async def asked(rig: ApiRig, path: str, status: int = 200, **question: object) -> dict[str, Any]:
    answer = await rig.client.get(f"/api/v1/energy/{path}", params={k: str(v) for k, v in question.items()})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def test_a_bill_is_told_line_by_line_and_beside_it_what_another_contract_would_have_cost(rig: ApiRig) -> None:
    bill = await asked(rig, "bill", month="115-07")

    # The first quarter hour is not known: the counter's reading before it is in no file.
    (part,) = bill["parts"]
    assert {line["period"]: line["kwh"] for line in part["energy"]} == pytest.approx(
        {"peak": 400 * PEAK, "half_peak": 400 * HALF, "saturday_half_peak": 400 * SATURDAY, "off_peak": 400 * OFF}, rel=1e-3
    )  # fmt: skip
    assert bill["basic"] == 380 * 223.6
    assert [(line["period"], line["excess_kw"], line["amount"]) for line in part["over_contract"]] == [
        ("peak", 20.0, 20 * 2 * 223.6)
    ]
    assert bill["power_factor_percent"] == 80  # 400 kWh with 300 kVARh
    assert bill["power_factor"] == 0.0
    assert bill["total"] == pytest.approx(bill["energy"] + bill["basic"] + bill["over_contract"])
    assert bill["total_shown"] == round(bill["total"])
    assert (bill["month"], bill["tariff_versions"]) == ("115-07", ["taipower-hv-three-stage@2025-10-01"])
    assert (bill["provisional"], bill["meters"]) == (False, ["MAIN"])

    better = await asked(rig, "bill", month="2026-07", power_factor=95)
    assert better["power_factor"] == pytest.approx(-0.015 * (bill["energy"] + bill["basic"]))
    assert "nothing is known" in (await asked(rig, "bill", 409, month="115-06", provisional=True))["detail"]
    assert "no contract" in (await asked(rig, "bill", 409, month="114-07"))["detail"]
    assert "is no period" in (await asked(rig, "bill", 400, month="July"))["detail"]

    # Another contract, beside it.
    found = await asked(rig, "what-if", period="115-07", regular_kw=390)

    assert found["actual"] == pytest.approx(bill["total"])
    assert found["scenario"] == pytest.approx(bill["total"] + 10 * 223.6 - 10 * 2 * 223.6)
    assert found["best"] == {
        "regular_kw": 400, "total": pytest.approx(bill["total"] - 20 * 223.6), "saving": pytest.approx(20 * 223.6),
    }  # fmt: skip
    assert found["months"][0]["best_regular_kw"] == 400
    assert len(found["assumptions"]) == 4
    assert (await asked(rig, "what-if", period="115-07", tariff="taipower-hv-two-stage"))["scenario_versions"] == [
        "taipower-hv-two-stage@2025-10-01"
    ]
    assert "115" in (await asked(rig, "what-if", 409, period="115"))["detail"]


async def test_costs_are_told_for_meters_and_tenants_and_never_made_up(rig: ApiRig) -> None:
    costs = await asked(rig, "costs", **WINDOW, meters="MAIN", tenants="bank")

    main, bank = costs["rows"]
    expected = 400 * (PEAK * 9.39 + HALF * 5.85 + SATURDAY * 2.60 + OFF * 2.53)
    assert main["cost"] == [pytest.approx(expected, rel=1e-3)]
    assert sum(period["cost"] for period in main["periods"]) == pytest.approx(main["cost"][0])
    # Three days of 31 are silent: that is less than 95 per cent.
    assert (bank["meter"], bank["tenant"], bank["text"]["zh"]) == (None, "bank", "銀行")
    assert (bank["cost"], bank["kwh"], bank["provisional"]) == ([None], [None], [False])
    assert bank["coverage"] == [pytest.approx(28 / 31, abs=0.005)]
    assert costs["tariff_versions"] == ["taipower-hv-three-stage@2025-10-01"]

    told = (await asked(rig, "costs", **WINDOW, tenants="bank", provisional=True))["rows"][0]
    assert told["provisional"] == [True]
    assert told["cost"][0] is not None

    days = (await asked(rig, "costs", **WINDOW, tenants="bank", interval="1d"))["rows"][0]
    assert [index for index, cost in enumerate(days["cost"]) if cost is None] == [9, 10, 11]
    assert max(kwh for kwh in days["kwh"] if kwh is not None) < 241  # what was caught up is no day's use
    spread = (await asked(rig, "costs", **WINDOW, tenants="bank", estimate="linear", provisional=True))["rows"][0]
    assert spread["estimated"] == [pytest.approx(720, abs=11)]
    assert spread["kwh"][0] == pytest.approx(10 * 24 * 31, abs=11)
    assert (await asked(rig, "costs", **WINDOW))["rows"][0]["meter"] == "MAIN"

    file = await rig.client.get(
        "/api/v1/exports/costs.csv", params=WINDOW | {"tenants": "bank", "interval": "1d", "language": "en"}
    )
    assert file.headers["content-disposition"] == 'attachment; filename="costs-TCH.csv"'
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["ROC date"] for row in rows if row["Cost (NT$)"] == ""] == ["115-07-10", "115-07-11", "115-07-12"]
    assert rows[1] | {"UTC time": "", "Cost (NT$)": ""} == {
        "Local time": "2026-07-02T00:00:00.000000+08:00", "UTC time": "", "ROC date": "115-07-02", "Meter": "",
        "Tenant": "bank", "Energy": "240", "Unit": "kWh", "Estimated": "0", "Cost (NT$)": "", "Coverage (%)": "100.0",
        "Provisional": "", "Tariff versions": "taipower-hv-three-stage@2025-10-01",
    }  # fmt: skip
    assert float(rows[1]["Cost (NT$)"]) == pytest.approx(10 * (9 * 2.53 + 9 * 5.85 + 6 * 9.39))

    assert "no meter is named X" in (await asked(rig, "costs", 404, **WINDOW, meters="X"))["detail"]
    assert "take one of 15m" in (await asked(rig, "costs", 400, **WINDOW, interval="1s"))["detail"]
    assert "no tariff is named x" in (await asked(rig, "costs", 404, **WINDOW, tariff="x"))["detail"]


async def test_tariffs_and_what_counts_now_are_told(served: ApiRig) -> None:
    told = await asked(served, "tariffs")

    assert told["contracts"] == [
        {"valid_from": "2025-10-01", "tariff": "taipower-hv-three-stage", "kw": {"regular": 380.0}}
    ]
    assert told["now"]["limit_kw"] == 380.0
    assert {year["year"] for year in told["off_peak_days"]} >= {2026, 2027}
    assert [tariff["priced"] for tariff in told["tariffs"] if tariff["name"] == "taipower-hv-two-stage"] == [
        False,
        False,
        True,
    ]
    day = {"from": "2026-07-01T00:00:00+08:00", "to": "2026-07-02T00:00:00+08:00"}
    periods = await asked(served, "tariffs/periods", **day)
    assert [(item["period"], item["price"]) for item in periods["items"]] == [
        ("off_peak", 2.53), ("half_peak", 5.85), ("peak", 9.39), ("half_peak", 5.85),
    ]  # fmt: skip
    assert periods["items"][2]["start"] == "2026-07-01T08:00:00.000Z"
