"""Evidence of maintenance: work orders that were opened in the window, and what became of them."""

from collections.abc import AsyncIterator
from functools import partial

from cityhall_bms.domain.maintenance.orders import WorkOrder
from cityhall_bms.ports.label import At, EvidenceTable, LabelQuestion, Row
from cityhall_bms.ports.maintenance import RecordFilter
from cityhall_bms.reports.label_sources import PAGE, LabelSources, at_or_none, column, moment

COLUMNS = (
    column("工單", "Work order"),
    column("類別", "Kind"),
    column("來源", "Source"),
    column("優先等級", "Priority"),
    column("裝置", "Equipment"),
    column("內容", "Text (zh)"),
    column("英文內容", "Text (en)"),
    moment("通報", "Opened"),
    moment("到場", "Arrived"),
    moment("完工", "Fixed"),
    column("完工人", "Fixed by"),
    moment("複驗", "Verified"),
    column("複驗人", "Verified by"),
    moment("結案", "Closed"),
)


def work(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Work orders of the window, the newest first."""
    return [EvidenceTable("work-orders", COLUMNS, partial(_work, sources, question))]


async def _work(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    place: int | None = None
    while True:
        page = await sources.maintenance.orders(RecordFilter(window=question.window), PAGE, place)
        for order in page.items:
            if order.opened_at <= question.known_at:
                yield _row(order, question.known_at)
        place = page.next_place
        if place is None:
            return


def _row(order: WorkOrder, known_at: int) -> Row:
    fixed, verified = at_or_none(order.fixed_at, known_at), at_or_none(order.verified_at, known_at)
    return (
        order.order,
        order.kind.value,
        order.source.value,
        order.priority,
        order.equipment or order.place,
        order.text_zh,
        order.text_en,
        At(order.opened_at),
        at_or_none(order.arrived_at, known_at),
        fixed,
        order.fixed_by if fixed != At(None) else "",
        verified,
        order.verified_by if verified != At(None) else "",
        at_or_none(order.closed_at, known_at),
    )
