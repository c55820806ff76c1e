"""The city's figures over HTTP from samples alone: comparison, carbon, targets; and what is refused.

The amounts are those of half-years, counted in ten days: what follows from them is the same, and the test is short.
"""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api
from tests.support.databases import DatabaseServers
from tests.support.history_folders import Day, write_folder
from tests.support.metered import us

from cityhall_bms.adapters.history_folder import open_history
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.historian.importing import import_history

pytestmark = pytest.mark.asyncio(loop_scope="session")

KWH, M3, RAIN = "TCH.B2.CN.PLT01.kWh", "TCH.B2.CN.PLT01.MkupVol", "TCH.B2.CN.PLT01.UsedVol"
POINTS = "".join(
    f"{name},累計,Total,TCH.B2.CN.PLT01,{name.rpartition('.')[2]},CI,{unit},chiller-1,input:{address},float64,ABCD,,,,,3600,,\n"
    for name, unit, address in ((KWH, "kWh", 300), (M3, "m3", 304), (RAIN, "m3", 308))
)
METERS = (
    '[[tenant]]\nname = "bank"\ntext_zh = "銀行"\ntext_en = "Bank"\narea_m2 = 48.0\n\n'
    + "".join(
        f'[[base_year]]\ncommodity = "{commodity}"\nyear = {year}\n\n'
        for commodity, year in (("electricity", 2006), ("water", 2010), ("fuel", 2006))
    )
    + "".join(
        f'[[meter]]\nname = "{name}"\ncommodity = "{commodity}"\ntext_zh = "總表"\ntext_en = "Main"\n{source}\n\n'
        for name, commodity, source in (
            ("MAIN", "electricity", f'point = "{KWH}"'),
            ("CITY", "water", f'point = "{M3}"'),
            ("RAIN", "rainwater", f'point = "{RAIN}"'),
            ("CARS", "fuel", "manual = true"),
        )
    )
)
REFERENCES = "".join(
    f'[[reference]]\ncommodity = "fuel"\nperiod = "{period}"\namount = {amount}\nsource = "104 年上半年成果報告"\n\n'
    for period, amount in (("95-06-21..95-06-30", 19_595), ("104-06-21..104-06-30", 9_098))
)
TARGETS = """\
[[energy_target]]
name = "RAIN-104"
year = 104
commodity = "rainwater"
kind = "at_least"
amount = 150.0
text_zh = "雨水回收"
text_en = "Rainwater used"

[[energy_target]]
name = "SAVE-104"
year = 104
commodity = "electricity"
kind = "saving_on_year_before"
percent = 1.0

[[energy_target]]
name = "BANK-104"
year = 104
commodity = "electricity"
tenant = "bank"
kind = "at_most"
amount = 480.0
"""
TEN_DAYS = "104-06-21..104-06-30"
AMOUNTS = {
    2006: (13_952_000, 50_000, 0),
    2010: (12_000_000, 78_323, 0),
    2014: (10_528_000, 71_409, 0),
    2015: (10_404_800, 70_243, 112),
}
"""Last ten days of June: kWh, m³ of city water, m³ of rain used."""


def counted(year: int) -> tuple[date, list[Day]]:
    """Counters that rise every hour of the ten days, and stand still on the day before and on the day after."""
    first, days = date(year, 6, 20), 10
    hours = days * 24
    return first, [
        [
            [amount * min(max(day * 24 + hour + 1 - 24, 0), hours) / hours for amount in AMOUNTS[year]]
            for hour in range(24)
        ]
        for day in range(days + 2)
    ]


async def load(rig: ApiRig, folder: Path) -> None:
    services = rig.services
    for year in AMOUNTS:
        first, days = counted(year)
        written = write_folder(folder / str(year), (KWH, M3, RAIN), days, first=first, first_us=us(first))
        async with PostgresImport.open(rig.dsn, services.clock, services.site.time_zone) as store:
            await import_history(open_history(written, services.site, services.ids), store, rig.events)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def city(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    """The service over ten days of four years."""
    folder = tmp_path_factory.mktemp("site")
    for name, text in (("meters", METERS), ("references", REFERENCES), ("targets", TARGETS)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    async with database_servers.empty_database("postgres") as url, running_api(url, folder, POINTS) as rig:
        await load(rig, folder / "history")
        yield rig


async def ask(rig: ApiRig, path: str, **question: str) -> dict[str, Any]:
    answer = await rig.client.get(f"/api/v1/energy{path}", params=question)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("commodity", "against", "then", "difference", "saved"),
    [
        ("electricity", "base_year", "95", -3_547_200, "25.42"),
        ("electricity", "year_before", "103", -123_200, "1.17"),
        ("water", "base_year", "99", -8_080, "10.32"),
        ("water", "year_before", "103", -1_166, "1.63"),
        ("fuel", "base_year", "95", -10_497, "53.57"),
    ],
)
async def test_the_figures_of_104_beside_other_years(
    city: ApiRig, commodity: str, against: str, then: str, difference: float, saved: str
) -> None:
    told = await ask(city, "/comparison", commodity=commodity, period=TEN_DAYS, against=against)
    assert told["difference"] == pytest.approx(difference, abs=0.01)
    assert (told["saving_shown"], told["reference"]["period"]["name"]) == (saved, f"{then}-06-21..{then}-06-30")
    assert (told["provisional"], told["running"], told["asked"]["days"]) == (False, False, 10)
    assert told["current"]["coverage"] == pytest.approx(1.0)
    declared = "104 年上半年成果報告" if commodity == "fuel" else None
    assert (told["reference"]["declared"], told["subject"]["text"]["en"] != "") == (declared, True)


async def test_the_same_period_may_be_written_in_either_calendar(city: ApiRig) -> None:
    told = [
        await ask(city, "/comparison", commodity="water", period=text) for text in (TEN_DAYS, "2015-06-21..2015-06-30")
    ]
    assert told[0] == told[1]
    assert (told[0]["asked"]["name"], told[0]["asked"]["roc_first"]) == (TEN_DAYS, "104-06-21")


async def test_the_carbon_of_what_was_used(city: ApiRig) -> None:
    told = await ask(city, "/carbon", period=TEN_DAYS)
    assert told["kg"] == pytest.approx(5_462_520, abs=0.01)
    [year] = told["years"]
    assert (year["roc_year"], year["factor"], year["factor_roc_year"], told["provisional"]) == (104, 0.525, 104, False)
    fuel = await ask(city, "/carbon", period=TEN_DAYS, commodity="fuel")
    assert (fuel["kg"], fuel["years"][0]["factor"]) == (None, None)


async def test_targets_tell_what_is_known_and_nothing_that_is_not(city: ApiRig) -> None:
    told = await ask(city, "/targets", year="104")
    rain, save, _ = told["items"]
    # The year is long over, and only ten days were sampled: its figures are thin, and not told without being asked for.
    assert (rain["used"]["value"], rain["progress_shown"], rain["provisional"]) == (None, None, True)
    assert (save["limit"], save["outlook"], save["forecast"]["basis"]) == (None, "unknown", "no_month")
    rain = await ask(city, "/targets/RAIN-104", provisional="true")
    assert (rain["progress_shown"], rain["limit"], rain["year_elapsed"]) == ("74.67", 150.0, 1.0)
    rain = await ask(city, "/targets/RAIN-104", provisional="true", on="2015-07-01")
    assert (rain["progress_shown"], rain["linear_pace_shown"]) == ("74.67", "149.33")
    assert (await ask(city, "/targets", year="105"))["items"] == []
    save = await ask(city, "/targets/SAVE-104", provisional="true")
    assert (save["limit"], save["limit_per_m2"]) == (
        pytest.approx(10_528_000 * 0.99),
        None,
    )  # of a site without an area
    assert (await ask(city, "/targets/BANK-104"))["limit_per_m2"] == 10.0


@pytest.mark.parametrize(
    ("path", "question", "status", "says"),
    [
        ("/comparison", {"commodity": "electricity", "period": "104Q4"}, 409, "nothing is known of the current"),
        ("/comparison", {"commodity": "electricity", "period": "104"}, 409, "104 is covered to 3.3 %, less than 95 %"),
        ("/comparison", {"commodity": "rainwater", "period": "104H1"}, 409, "rainwater has no base year"),
        ("/comparison", {"commodity": "electricity", "period": "104H3"}, 422, "is no period"),
        (
            "/comparison",
            {"commodity": "water", "period": "104H1", "as_known_at": "0001-01-01T00:00:00+14:00"},
            409,
            "no day",
        ),
        ("/comparison", {"commodity": "steam", "period": "104H1"}, 422, "commodity"),
        ("/comparison", {"commodity": "water", "period": "104H1", "meter": "X"}, 404, "no meter is named X"),
        ("/comparison", {"commodity": "water", "period": "104H1", "meter": "MAIN"}, 409, "MAIN counts electricity"),
        ("/comparison", {"commodity": "water", "period": "104H1", "tenant": "shop"}, 404, "no tenant is named shop"),
        ("/carbon", {"period": "200H1"}, 409, "no day of 200H1 is over yet"),
        ("/targets/X", {}, 404, "no target is named X"),
        ("/targets", {"year": "1"}, 422, "year"),
    ],
)
async def test_what_cannot_be_told_is_refused_in_words(
    city: ApiRig, path: str, question: dict[str, str], status: int, says: str
) -> None:
    answer = await city.client.get(f"/api/v1/energy{path}", params=question)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text


async def test_thin_figures_are_told_when_asked_for_and_marked(city: ApiRig) -> None:
    question = {"commodity": "electricity", "period": "104", "against": "year_before", "provisional": "true"}
    told = await ask(city, "/comparison", **question)
    assert told["provisional"]
    assert told["current"]["value"] == pytest.approx(10_404_800, abs=0.01)
    assert told["current"]["coverage"] == pytest.approx(12.1 / 365, abs=1e-3)
