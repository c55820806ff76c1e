"""Who gets a report that was made: messages in the notification outbox, with its files. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from cityhall_bms.domain.notifications import NotificationQueued, Occasion
from cityhall_bms.domain.reports import ReportFile, ReportRecord
from cityhall_bms.domain.site import Site
from cityhall_bms.reports.document import Report

PRIORITY: Final = 4
"""A report is nobody's emergency: it goes by the channels that take alarms of the lowest priority."""
FOLDER: Final = "reports"
"""Folder of reports below the data folder."""


def messages(
    record: ReportRecord, report: Report, files: Sequence[ReportFile], site: Site, at: int
) -> Iterator[NotificationQueued]:
    """One message for each person and channel of the schedule's groups, each under a name that is the same for ever."""
    schedule = next((each for each in site.reports.schedules if each.name == record.schedule), None)
    if schedule is None:
        return
    title, text = _words(record, report, files, site)
    told: set[tuple[str, str]] = set()
    for group in schedule.groups:
        for person, channel in site.notifications.ways(group, PRIORITY, at, site.schedules):
            if (person, channel) in told:
                continue
            told.add((person, channel))
            yield NotificationQueued(
                notification=f"{FOLDER}-{record.report}-{person}-{channel}",
                occasion=Occasion.REPORT.value,
                person=person,
                channel=channel,
                priority=PRIORITY,
                title=title,
                text=text,
                at=at,
                group=group,
                attachments=[f"{FOLDER}/{record.report}/{file.name}" for file in files],
            )


def _words(record: ReportRecord, report: Report, files: Sequence[ReportFile], site: Site) -> tuple[str, str]:
    """Title and text, Chinese first."""
    zh = f"{report.building.zh}{report.text.zh}：{report.period_text.zh}"
    en = f"{report.building.en}, {report.text.en}: {report.period_text.en}"
    names = "\n".join(f"・{file.name}（SHA-256 {file.sha256[:16]}…）" for file in files)
    thin = "\n部分數字為暫定值。Some figures are provisional." if report.provisional else ""
    address = site.reports.address.rstrip("/")
    link = f"\n連結 Link: {address}/api/v1/reports/{record.report}" if address else ""
    return f"【報表】{zh}", f"{zh}\n{en}\n\n附件 Attached:\n{names}{thin}{link}"
