"""What the routes of reports need."""

from collections.abc import Callable
from dataclasses import dataclass

from cityhall_bms.domain.reports import Language
from cityhall_bms.ports.reports import ReportDesk, ReportView
from cityhall_bms.reports.document import Report
from cityhall_bms.reports.gathering import ReportMaker


@dataclass(frozen=True, slots=True)
class ReportServices:
    """Where reports are asked for, those that were, who makes a preview, and how it becomes a page."""

    desk: ReportDesk
    view: ReportView
    maker: ReportMaker
    page: Callable[[Report, Language], str]
    page_policy: str
    """What a browser may load for such a page (Content-Security-Policy)."""
