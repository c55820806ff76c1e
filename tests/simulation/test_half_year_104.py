"""The half-year report of ROC 104 on the simulated city hall: the city's published figures, from samples alone.

Years of hours are imported as an operator imports them, fuel is entered and approved as people do; nothing else is
told to the report. Published figures: domain reference section 2.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.databases import DatabaseServers
from tests.support.simulated_year import write_reported_history

from cityhall_bms import history_jobs
from cityhall_bms.adapters.export_files.counting import measured
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.signing import key_id_of
from cityhall_bms.adapters.signing import verify as check_signature
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.reports import Language, ReportFormat, ReportKind, ReportRecord, ReportWish
from cityhall_bms.energy.reading_desk import MeterReadings
from cityhall_bms.exports.manifest import parse
from cityhall_bms.exports.verification import Seals, holds, verify
from cityhall_bms.ports.energy_readings import ReadingWish
from cityhall_bms.report_jobs import basis
from cityhall_bms.reports.document import Report, Sentence
from cityhall_bms.roles.reporting import ReportBasis, report_maker, report_writer
from cityhall_bms.settings import DatabaseSettings, Settings
from cityhall_simulators.description import load_building
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site

# The years are simulated once, for these tests and for those of the published totals.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("simulated years")]
FUEL_L = {2006: 19_595.0, 2015: 9_098.0}
FORMATS = tuple(ReportFormat)
MONTHLY = (ReportKind.MONTHLY_ENERGY, ReportKind.WATER, ReportKind.TENANTS, ReportKind.INDOOR_AIR)


@dataclass(frozen=True, slots=True)
class Made:
    """The report, and its files in a folder."""

    report: Report
    folder: Path
    text: str
    others: dict[ReportKind, str]
    """What the reports of June say, by kind."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def made(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Made]:
    """Import the years, enter the fuel, make the report."""
    folder, clock = tmp_path_factory.mktemp("half-year"), SystemClock()
    building = load_building("full")
    write_site(folder / "site", building, "127.0.0.1", choose_ports("127.0.0.1", building.port_labels, 15_020))
    write_secrets(folder / "site", "127.0.0.1")
    # What is declared of fuel is not wanted here: it shall come from readings.
    (folder / "site" / "references.toml").unlink()
    async with database_servers.empty_database("postgres") as url:
        settings = Settings(data_dir=folder / "data", database=DatabaseSettings(url=url))
        for year in (2006, 2010, 2014):
            history = write_reported_history(folder / str(year), year)
            await history_jobs._load(history, folder / "site", settings, clock, lambda _done, _days: None)
        async with basis(folder / "site", settings, clock) as found:
            for year, litres in FUEL_L.items():
                await enter_fuel(found, year, litres)
            await caught_up(found, url)
            period = parse_period("104H1")
            wish = ReportWish(ReportKind.HALF_YEAR, period.first, period.until, clock.now(), FORMATS)
            report = await report_maker(found).make(wish)
            report_writer(found).files(ReportRecord("half-year-104H1", wish, "王小明", clock.now()), report, folder)
            others = {kind: said(await report_maker(found).make(of_june(kind, clock.now()))) for kind in MONTHLY}
        yield Made(report, folder, said(report), others)


def of_june(kind: ReportKind, known_at: int) -> ReportWish:
    period = parse_period("104-06")
    return ReportWish(kind, period.first, period.until, known_at, FORMATS, provisional=True)


def said(report: Report) -> str:
    return "".join(b.text(Language.ZH) for b in report.blocks if isinstance(b, Sentence))


async def enter_fuel(found: ReportBasis, year: int, litres: float) -> None:
    """Six months, each with a sixth of the fuel: entered by one, approved by another."""
    desk = MeterReadings(found.site, found.events, found.clock)
    for month in range(1, 7):
        last = date(year, month + 1, 1) - timedelta(days=1)
        wish = ReadingWish("TCH.FUEL.FLEET", date(year, month, 1), last, litres / 6.0, "加油卡月結")
        reading = await desk.enter(wish, by="王小明")
        await desk.approve([(reading.meter, reading.number)], by="李小華")


async def caught_up(found: ReportBasis, url: str) -> None:
    """Have the read models reflect what was entered."""
    async with PostgresEventLog(url, found.clock) as events:
        projector = Projector(events, found.pool, PROJECTIONS, found.clock)
        await projector.catch_up()


def test_electricity(made: Made) -> None:
    assert (
        "電力使用量為 10,404,800 度，較基準年（95 年）同期之 13,952,000 度減少 3,547,200 度（−25.42%）"
        "，較民國 103 年同期之 10,528,000 度減少 123,200 度（−1.17%）。"
    ) in made.text


def test_water_whose_base_year_is_another(made: Made) -> None:
    assert (
        "自來水使用量為 70,243 度，較基準年（99 年）同期之 78,323 度減少 8,080 度（−10.32%）"
        "，較民國 103 年同期之 71,409 度減少 1,166 度（−1.63%）。"
    ) in made.text


def test_fuel_that_people_entered_and_others_approved(made: Made) -> None:
    assert "油料使用量為 9,098 公升，較基準年（95 年）同期之 19,595 公升減少 10,497 公升（−53.57%）" in made.text


def test_rain_against_its_target_and_the_linear_plan(made: Made) -> None:
    assert "雨水回收使用 112 度，達年度目標 150 度之 74.67%，為線性進度之 149.33%。" in made.text


def test_nine_lifts_that_regenerate(made: Made) -> None:
    assert "9 部能源回生電梯近 12 個月平均每部回生 10,992 度，每月 916 度。" in made.text


def test_carbon_by_the_factor_of_the_year(made: Made) -> None:
    # 10,404,800 kWh x 0.525 (domain reference section 8).
    assert "用電碳排放 5,462,520 kgCO2e，依 104 年度 0.525 kgCO2e/kWh 係數計算。" in made.text


def test_a_month_is_told_by_the_other_reports_as_far_as_there_are_data(made: Made) -> None:
    energy = made.others[ReportKind.MONTHLY_ENERGY]
    assert "電力使用量為 " in energy
    assert "，較基準年（95 年）同期之 " in energy
    assert "電費：" in energy, "no tariff of those years is known, and it is said why"
    assert "每人每日用水 " in made.others[ReportKind.WATER]
    assert "自來水使用量為 " in made.others[ReportKind.WATER]
    assert set(made.others) == set(MONTHLY)


def test_what_the_building_does_not_know_is_not_invented(made: Made) -> None:
    for what in ("節能措施登錄", "需量", "警報紀錄"):
        assert f"{what}：本期沒有資料，不作推估。" in made.text
    assert not made.report.provisional


def test_each_figure_leads_to_its_question_as_known_then(made: Made) -> None:
    amount = next(b for b in made.report.blocks if isinstance(b, Sentence) and b.name == "used").values["amount"]
    source = amount.sources[0]  # type: ignore[union-attr]
    assert source.query.startswith("/api/v1/energy/comparison?commodity=electricity&period=104H1&")
    assert "as_known_at=" in source.query
    assert source.meters == ("TCH.ELEC.MAIN", "TCH.B2.CS.HVM01.kWh", "TCH.B2.CS.HVM02.kWh")


@pytest.mark.parametrize("form", FORMATS)
def test_every_file_is_proven_by_its_manifest(made: Made, form: ReportFormat) -> None:
    path = made.folder / f"half-year-TCH-104H1.{form}"
    text = path.with_name(f"{path.name}.manifest.json").read_text(encoding="utf-8")
    manifest = parse(text)
    key = next((made.folder / "data" / "keys").glob("public-*.pem")).read_text()

    checks = verify(manifest, measured(path, manifest), Seals(check_signature, key_id_of), key)

    assert holds(checks), checks
    assert manifest["file"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["query"]["period"] == "104H1"
    assert len(manifest["sources"]) == len(made.report.sources)
    assert json.loads(text)["figures"]["provisional"] == 0
    path.write_bytes(path.read_bytes() + b" ")
    assert not holds(verify(manifest, measured(path, manifest), Seals(check_signature, key_id_of), key))
