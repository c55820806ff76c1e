"""A baseline fitted from history, adopted by a person, and the savings that it tells of. Seven weeks of hours."""

from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from tests.support.api_rig import ME, ApiRig, running_api
from tests.support.databases import DatabaseServers
from tests.support.history_folders import write_folder
from tests.support.metered import us

from cityhall_bms.adapters.history_folder import open_history
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder
from cityhall_bms.historian.importing import import_history

pytestmark = pytest.mark.asyncio(loop_scope="session")

KWH, OAT = "TCH.B2.CN.PLT01.kWh", "TCH.01.E.WX01.OAT"
POINTS = (
    f"{KWH},用電量,Energy,TCH.B2.CN.PLT01,kWh,CI,kWh,chiller-1,input:209,uint32,ABCD,0.01,,,,3600,,\n"
    f"{OAT},外氣溫度,Outdoor temperature,TCH.01.E.WX01,OAT,AI,°C,ahu-1,input:213,float32,ABCD,,,,,3600,,\n"
)
STATION = "TCH.01.E.WX01,Weather_Station,environment,氣象站,Weather station,,\n"
METERS = """\
[[meter]]
name = "MAIN"
commodity = "electricity"
text_zh = "總電表"
text_en = "Main meter"
point = "TCH.B2.CN.PLT01.kWh"
"""
PERFORMANCE = "[baselines]\ndays = 28\nmissing_days = 37\n"
"""A month is long enough for this test; all other limits are the usual ones."""
FIRST = date(2026, 5, 2)
"""Before the first day, a Sunday."""
DAYS, BASE_DAYS = 49, 35
BASE = "2026-05-03..2026-06-06"
AFTER = "2026-06-07..2026-06-20"
NEW = {"baseline": "MAIN-115", "meter": "MAIN", "period": BASE}


def outdoor() -> np.ndarray:
    number = np.arange(DAYS)
    return np.round(24.0 + 5.0 * np.sin(number * 0.9) + 0.05 * number, 2)


def used() -> np.ndarray:
    """Kilowatt-hours of each day: a base, workdays, cooling above 21 °C; from the 36th day on a tenth less."""
    number = np.arange(DAYS)
    works = (number % 7 >= 1) & (number % 7 <= 5)
    full = 2_400.0 + 960.0 * works + 120.0 * np.maximum(outdoor() - 21.0, 0.0)
    return np.where(number < BASE_DAYS, full, 0.9 * full)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    """The baseline ``MAIN-115`` is fitted and adopted."""
    folder = tmp_path_factory.mktemp("baselines")
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")
    (folder / "performance.toml").write_text(PERFORMANCE, encoding="utf-8")
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, folder, POINTS, more_equipment=STATION) as running,
    ):
        await measure(running, folder / "history")
        await post(running, "/baselines", NEW)
        await post(running, "/baselines/MAIN-115/adoption", {"comment": "會議決議"}, 200, by="陳主任")
        await until(running, "/baselines", lambda items: bool(items) and items[-1]["adopted_by"] is not None)
        yield running


async def measure(rig: ApiRig, folder: Path) -> None:
    """Load readings of every hour, and of the day before; the counter shows at each hour what it counts until the next."""
    total = 1_000.0 + np.cumsum(np.concatenate([np.zeros(24), np.repeat(used() / 24.0, 24)]))
    warm = np.repeat(np.concatenate([outdoor()[:1], outdoor()]), 24)
    hours = [[float(count), float(degrees)] for count, degrees in zip(total, warm, strict=True)]
    days = [hours[begin : begin + 24] for begin in range(0, len(hours), 24)]
    written = write_folder(folder, (KWH, OAT), days, first=FIRST, first_us=us(FIRST))
    services = rig.services
    async with PostgresImport.open(rig.dsn, services.clock, services.site.time_zone) as store:
        await import_history(open_history(written, services.site, services.ids), store, rig.events)


async def until(rig: ApiRig, path: str, condition: Callable[[list[Any]], bool]) -> None:
    """Wait until the view shows what was just said."""
    while not condition((await get(rig, path))["items"]):
        pass


async def post(rig: ApiRig, path: str, body: dict[str, Any], status: int = 201, by: str = ME) -> Any:
    answer = await rig.client.post(f"/api/v1/energy{path}", json=body, headers=await rig.known_as(by))
    assert answer.status_code == status, answer.text
    return answer.json()


async def get(rig: ApiRig, path: str, status: int = 200, **parameters: str) -> Any:
    answer = await rig.client.get(f"/api/v1/energy{path}", params=parameters)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_baseline_says_what_the_building_is_made_of(rig: ApiRig) -> None:
    fitted = await get(rig, "/baselines/MAIN-115")

    assert fitted["accepted"], fitted["refused"]
    assert fitted["coefficients"]["cooling_point"] == pytest.approx(21.0, abs=0.01)
    assert fitted["coefficients"]["cooling_work"] == pytest.approx(120.0, rel=0.001)
    assert fitted["coefficients"]["base"] == pytest.approx(2_400.0, rel=0.001)
    assert (fitted["intervals"], fitted["missing"], fitted["unit"]) == (35, 0, "kWh")
    assert (fitted["temperature_point"], fitted["option"]) == (OAT, "C")
    assert fitted["period"]["first"] == "2026-05-03"
    assert fitted["statistics"]["cvrmse"] < 1.0
    assert (fitted["fitted_by"], fitted["adopted_by"], fitted["comment"]) == ("王小明", "陳主任", "會議決議")
    assert fitted in (await get(rig, "/baselines", meter="MAIN"))["items"]


async def test_a_tenth_less_is_a_saving_of_a_tenth(rig: ApiRig) -> None:
    saving = await get(rig, "/savings", meter="MAIN", period=AFTER)

    assert saving["saved_percent"] == pytest.approx(10.0, abs=0.01)
    assert saving["saved"] == pytest.approx(saving["modelled"] - saving["used"])
    assert saving["used"] == pytest.approx(float(used()[BASE_DAYS:].sum()), rel=1e-6)
    assert (saving["coverage"], saving["provisional"], saving["proven"]) == (1.0, False, True)
    assert (saving["baseline"], saving["confidence"], saving["columns"]) == ("MAIN-115", 0.68, None)
    assert 0.0 < saving["uncertainty_percent"] < 50.0

    again = await get(rig, "/savings", baseline="MAIN-115", period=AFTER, columns="true")
    assert len(again["columns"]["at"]) == 14
    assert sum(again["columns"]["saved"]) == pytest.approx(saving["saved"])


async def test_what_came_besides_is_counted_until_it_is_withdrawn_and_stays_so_as_known_then(rig: ApiRig) -> None:
    plain = await get(rig, "/savings", meter="MAIN", period=AFTER)
    added = {"adjustment": "NRA-115-01", "meter": "MAIN", "first": "2026-06-10", "until": "2026-06-20",
             "kwh_per_day": 50.0, "days": "workdays", "reason": "新增充電樁", "evidence": "驗收紀錄"}  # fmt: skip
    made = await post(rig, "/adjustments", added)
    assert (made["begin"], made["until"]) == ("2026-06-09T16:00:00.000Z", "2026-06-19T16:00:00.000Z")
    await until(rig, "/adjustments", bool)

    more = await get(rig, "/savings", meter="MAIN", period=AFTER)
    assert more["adjusted"] == pytest.approx(50.0 * 8)  # 10 to 12, 15 to 19 June
    assert more["saved"] == pytest.approx(plain["saved"] + 400.0)
    assert more["adjustments"] == ["NRA-115-01"]

    gone = await post(rig, "/adjustments/NRA-115-01/withdrawal", {"reason": "重複登錄"}, 200, by="李小華")
    assert gone["withdrawn_by"] == "李小華"
    await until(rig, "/adjustments", lambda items: items[0]["withdrawn_by"] is not None)
    assert (await get(rig, "/savings", meter="MAIN", period=AFTER))["saved"] == pytest.approx(plain["saved"])
    then = await get(rig, "/savings", meter="MAIN", period=AFTER, as_known_at=more["known_at"])
    assert then["saved"] == pytest.approx(more["saved"])
    again = await post(rig, "/adjustments/NRA-115-01/withdrawal", {"reason": "y"}, 409)
    assert "李小華" in again["detail"]


async def test_what_cannot_be_is_refused_with_its_reason(rig: ApiRig) -> None:
    taken = await post(rig, "/baselines", NEW, 409)
    assert "taken" in taken["detail"]
    short = await post(rig, "/baselines", NEW | {"baseline": "B2", "period": "2026-05-03..2026-05-20"})
    assert [reason["code"] for reason in short["refused"]] == ["too_short"]
    assert "shorter than a year" in (await post(rig, "/baselines/B2/adoption", {}, 409))["detail"]
    few = await post(rig, "/baselines", NEW | {"baseline": "B3", "period": "2026-05-03..2026-05-08"}, 409)
    assert "too few" in few["detail"]
    await post(rig, "/baselines", NEW | {"baseline": "B3", "period": "50"}, 409)
    await post(rig, "/baselines", NEW | {"baseline": "B3", "period": "200"}, 409)
    await post(rig, "/baselines", NEW | {"baseline": "B3", "period": "105..104"}, 422)
    await get(rig, "/enpi", 400, month="104-06-30")
    assert (await get(rig, "/enpi", month="200"))["items"][0]["now"]["value"] is None
    await post(rig, "/baselines", NEW | {"baseline": "B4", "option": "A"}, 409)
    await post(rig, "/baselines", NEW | {"baseline": "B5", "meter": "X"}, 404)
    await post(rig, "/baselines", NEW | {"baseline": "B6", "cooling_low": 25.0}, 422)
    await post(rig, "/baselines/NONE/adoption", {}, 404)
    within = await get(rig, "/savings", 409, meter="MAIN", period="2026-06-01..2026-06-20")
    assert "baseline's ends" in within["detail"]
    await get(rig, "/savings", 404, meter="MAIN", baseline="NONE", period=AFTER)
    await get(rig, "/savings", 404, meter="X", period=AFTER)
    await get(rig, "/baselines/NONE", 404)


async def test_too_little_coverage_is_refused_or_marked(rig: ApiRig) -> None:
    wider = "2026-06-07..2026-06-24"  # four days more than anybody measured
    refused = await get(rig, "/savings", 409, meter="MAIN", period=wider)
    assert "77.8 % < 95 %" in refused["detail"]
    told = await get(rig, "/savings", meter="MAIN", period=wider, provisional="true")
    assert (told["provisional"], round(told["coverage"], 3), told["intervals"]) == (True, 0.778, 18)
    assert told["saved"] == pytest.approx((await get(rig, "/savings", meter="MAIN", period=AFTER))["saved"])


async def test_hours_are_fitted_too(rig: ApiRig) -> None:
    body = NEW | {"baseline": "H", "model": "time_of_week", "period": "2026-05-03..2026-06-06"}
    hours = await post(rig, "/baselines", body)
    assert (hours["interval"], hours["intervals"], hours["months"]) == ("1h", 35 * 24, None)
    assert hours["accepted"], hours["refused"]


async def test_a_second_opinion_needs_its_library(rig: ApiRig) -> None:
    answer = await post(rig, "/baselines/MAIN-115/second-opinion", {}, 501)
    assert "cityhall-bms[mv]" in answer["detail"]
    await post(rig, "/baselines/NONE/second-opinion", {}, 404)


async def test_names_are_names_and_days_are_of_our_time(rig: ApiRig) -> None:
    for path in ("/baselines/%00/adoption", "/baselines/a%20b/adoption", "/adjustments/%00/withdrawal"):
        await post(rig, path, {"reason": "y"} if "adj" in path else {}, 422)
    early = {"adjustment": "NRA-1", "meter": "MAIN", "first": "0001-01-01", "kwh_per_day": 1.0, "reason": "a", "evidence": "b"}  # fmt: skip
    await post(rig, "/adjustments", early, 422)


async def test_the_view_can_be_thrown_away_and_built_again(rig: ApiRig) -> None:
    pool = await open_pool(rig.dsn)
    rebuilt = await Rebuilder(rig.events, pool, PROJECTIONS).rebuild("baselines")
    pool.terminate()
    assert (set(rebuilt.rows), rebuilt.differed) == ({"energy_baseline", "energy_adjustment"}, False)
