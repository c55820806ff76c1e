"""Words that every form of a report uses. Pure."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.reports import Language
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import Block, Report, Section, Sentence, Source, said

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
KNOWN_AT: Final = Text("資料截至", "As known at")
KIND: Final = Text("報表", "Report")
SOURCES: Final = Text("附錄　出處", "Appendix: sources")
SOURCES_SAY: Final = Text(
    "數字旁的編號指向下列查詢；同一查詢（含 as_known_at）永遠得到同一答案。",
    "The number beside a figure names the query that gives it; with its as_known_at the answer stays as it is.",
)
METERS: Final = Text("電表與點位", "Meters and points")
EVENTS: Final = Text("事件", "Events")
VERSIONS: Final = Text("版本", "Versions")
SOURCE: Final = Text("出處", "Source")
COVERAGE: Final = Text("涵蓋率", "Coverage")
METERS_SHOWN_MAX: Final = 12


def known_at_text(report: Report) -> str:
    """When the figures are of: local, with offset, and the year of the Republic."""
    local = (EPOCH + timedelta(microseconds=report.known_at)).astimezone(ZoneInfo(report.time_zone))
    return f"{local.isoformat(' ', 'seconds')}（{local.year - 1911}-{local:%m-%d}）"


def rests_on(source: Source, language: Language) -> list[str]:
    """What a source rests on, a line for each kind."""
    found = []
    if source.meters:
        names = "、".join(source.meters[:METERS_SHOWN_MAX])
        more = len(source.meters) - METERS_SHOWN_MAX
        found.append(f"{said(METERS, language)}: {names}" + (f" … +{more}" if more > 0 else ""))
    if source.events is not None:
        found.append(f"{said(EVENTS, language)}: {source.events[0]:,}–{source.events[1]:,}")
    if source.versions:
        found.append(f"{said(VERSIONS, language)}: {'、'.join(source.versions)}")
    return found


def paragraphs(section: Section) -> list[list[Block]]:
    """Blocks of a section, sentences that follow each other taken together."""
    grouped: list[list[Block]] = []
    for is_text, blocks in groupby(section.blocks, lambda block: isinstance(block, Sentence)):
        found = list(blocks)
        grouped += [found] if is_text else [[block] for block in found]
    return grouped


def gap_between(before: str, language: Language) -> str:
    """What stands between two sentences of a paragraph: a space in English, where one ended."""
    return " " if language is Language.EN and before.endswith(".") else ""
