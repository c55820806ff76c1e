"""Scheduled reports are asked for once per due time, whoever looks and however often; what cannot be made is told."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.support.manual_clock import ManualClock
from tests.support.notification_plans import PLAN
from tests.support.report_samples import half_year_report
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.report_desk import ReportKeeper, find
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.reports import (
    REPORT_STREAMS,
    ReportFile,
    ReportFormat,
    ReportKind,
    ReportRecord,
    ReportState,
    ReportWish,
    fold_report,
)
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.reports import ReportPage
from cityhall_bms.reports.mailing import messages

TAIPEI = ZoneInfo("Asia/Taipei")
REPORTS = """
[reports]
address = "https://bms.example"

[[schedule]]
name = "monthly"
kind = "monthly-energy"
every = "month"
after_days = 2
at = "06:30"
formats = ["pdf", "xlsx"]
"""


class LogView:
    """Reports as the log has them, at once."""

    def __init__(self, log: MemoryEventLog) -> None:
        self._log = log

    async def page(self, limit: int, before: int | None) -> ReportPage:
        raise NotImplementedError

    async def waiting(self) -> Sequence[ReportRecord]:
        entries = await self._log.read(0, 1_000, REPORT_STREAMS)
        names = dict.fromkeys(entry.stream for entry in entries)
        records = [fold_report(None, [e for e in entries if e.stream == name]) for name in names]
        return [r for r in records if r is not None and r.state is ReportState.ASKED]


def site(folder: Path, reports: str = REPORTS) -> Site:
    write_site(folder)
    (folder / "reports.toml").write_text(reports, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()})


def clock_at(*when: int) -> ManualClock:
    return ManualClock(round(datetime(*when, tzinfo=TAIPEI).timestamp() * 1e6))  # type: ignore[arg-type]


async def test_each_due_time_is_asked_for_once_by_whoever_keeps_it(tmp_path: Path) -> None:
    log, clock = MemoryEventLog(ManualClock()), clock_at(2026, 7, 3, 6, 31)
    for _ in range(3):
        keeper = ReportKeeper(site(tmp_path), LogView(log), log, clock)
        await keeper.ask_due()
        await keeper.ask_due()
    waiting = await LogView(log).waiting()
    assert [record.report for record in waiting] == ["monthly-115-06"]
    assert waiting[0].schedule == "monthly"
    assert waiting[0].wish.formats == (ReportFormat.PDF, ReportFormat.XLSX)

    clock.jump(31 * 86_400.0)
    await keeper.ask_due()
    assert [record.report for record in await LogView(log).waiting()] == ["monthly-115-06", "monthly-115-07"]


async def test_a_report_whose_maker_fails_again_and_again_is_given_up_and_told(tmp_path: Path) -> None:
    log, clock = MemoryEventLog(ManualClock()), clock_at(2026, 7, 3, 6, 31)
    keeper = ReportKeeper(site(tmp_path), LogView(log), log, clock)
    environment = {"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path)}
    for number in range(3):
        await keeper.step(["no-such-command"], environment)
        await keeper.step(["no-such-command"], environment)  # too soon after a failure
        assert (await find(log, "monthly-115-06")).state is (ReportState.FAILED if number == 2 else ReportState.ASKED)
        clock.jump(181.0)
    record = await find(log, "monthly-115-06")
    assert record.state is ReportState.FAILED
    assert "3 tries" in record.reason


@pytest.mark.parametrize(
    ("before", "after", "field", "remedy"),
    [
        ('name = "monthly"', 'name = "Monthly!"', "[[schedule]] name", ""),
        ('kind = "monthly-energy"', 'kind = "weekly"', "[[schedule]] kind", ""),
        ('at = "06:30"', 'at = "25:00"', "[[schedule]] at", ""),
        ("after_days = 2", "after_days = 2000", "[[schedule]] after_days", ""),
        ('formats = ["pdf", "xlsx"]', 'groups = ["nobody"]', "[[schedule]] groups", "notifications.toml"),
        ("[reports]", "[report]", "report", ""),
    ],
)
def test_every_mistake_of_the_plan_is_named_where_it_stands(
    tmp_path: Path, before: str, after: str, field: str, remedy: str
) -> None:
    with pytest.raises(SiteError) as caught:
        site(tmp_path, REPORTS.replace(before, after))
    found = [problem for problem in caught.value.problems if problem.file == "reports.toml"]
    assert found
    assert found[0].line > 0
    assert remedy in found[0].remedy
    assert field.rsplit(" ", maxsplit=1)[-1] in found[0].field


def test_a_name_stands_once(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="stands already on line"):
        site(tmp_path, REPORTS + REPORTS[REPORTS.index("[[schedule]]") :])


def test_a_made_report_goes_once_to_each_person_of_its_groups_with_its_files(tmp_path: Path) -> None:
    described, report = site(tmp_path), half_year_report()
    [schedule] = described.reports.schedules
    plan = replace(described.reports, schedules=(replace(schedule, groups=("chiefs", "chiefs")),))
    described = replace(described, notifications=PLAN, reports=plan)
    wish = ReportWish(ReportKind.HALF_YEAR, report.period.first, report.period.until, 0, (ReportFormat.PDF,))
    asked = ReportRecord("monthly-104-06", wish, "reports", report.known_at, "monthly")
    file = ReportFile(ReportFormat.PDF, "monthly-energy-TCH-104-06.pdf", 10, 0, "ab" * 32, "cd" * 32)

    [told] = messages(asked, report, [file], described, report.known_at)

    assert (told.person, told.channel, told.occasion) == ("chief", "chief_line", "report")
    assert told.attachments == ["reports/monthly-104-06/monthly-energy-TCH-104-06.pdf"]
    assert "https://bms.example/api/v1/reports/monthly-104-06" in told.text
    assert "臺北市政大樓節能與營運半年報：104 年上半年" in told.text
    assert not list(messages(replace(asked, schedule=""), report, [file], described, report.known_at))
