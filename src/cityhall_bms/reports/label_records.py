"""Evidence from the record of events: devices that fell silent, permits, hand-overs, the safety linkage log."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from cityhall_bms.domain.alarms import AlarmSuppressed
from cityhall_bms.domain.events import DeviceLost, DeviceRestored, StoredEvent
from cityhall_bms.domain.permits import Permit
from cityhall_bms.domain.site import System
from cityhall_bms.ports.alarm_search import AlarmSearch
from cityhall_bms.ports.label import At, EvidenceTable, LabelQuestion, Row
from cityhall_bms.ports.permits import PermitFilter
from cityhall_bms.ports.read_models import AlarmTransition
from cityhall_bms.reports.label_sources import PAGE, LabelSources, at_or_none, column, moment

DEVICE_STREAMS: Final = "device/"
OUTAGE_COLUMNS = (
    column("設備", "Device"),
    column("通訊協定", "Protocol"),
    moment("失聯", "Lost"),
    moment("恢復", "Back"),
    column("秒數", "Seconds"),
    column("原因", "Reason"),
)
PERMIT_COLUMNS = (
    column("許可", "Permit"),
    column("類別", "Kind"),
    moment("開始", "Begin"),
    moment("結束", "Until"),
    column("裝置", "Equipment"),
    column("區域", "Zones"),
    column("系統", "Systems"),
    column("事由", "Reason"),
    column("申請人", "Opened by"),
    moment("關閉", "Closed"),
    column("關閉人", "Closed by"),
    column("說明", "Comment"),
)
HAND_OVER_COLUMNS = (
    column("交接單", "Hand-over"),
    moment("交班", "Prepared"),
    column("交班人", "Prepared by"),
    moment("接班", "Signed"),
    column("接班人", "Signed by"),
    column("記事", "Notes"),
)
SAFETY_COLUMNS = (
    moment("時間", "Time"),
    column("事件", "Event"),
    column("警報", "Alarm"),
    column("裝置", "Equipment"),
    column("系統", "System"),
    column("優先等級", "Priority"),
    column("狀態", "State"),
    column("內容", "Text (zh)"),
    column("英文內容", "Text (en)"),
    column("人員", "Actor"),
    column("抑制依據", "Suppressed as"),
    column("抑制來源", "Suppressed by"),
)


def outages(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Times in which devices were silent and that touch the window, in the order of their beginning."""
    return [EvidenceTable("outages", OUTAGE_COLUMNS, partial(_outages, sources, question))]


def permits(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Permits that touch the window, the newest first."""
    return [EvidenceTable("permits", PERMIT_COLUMNS, partial(_permits, sources, question))]


def hand_overs(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Hand-overs of the window, the newest first."""
    return [EvidenceTable("hand-overs", HAND_OVER_COLUMNS, partial(_hand_overs, sources, question))]


def safety(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """What happened to alarms of the fire system, and what they made others do, the newest first."""
    return [EvidenceTable("safety-linkage", SAFETY_COLUMNS, partial(_safety, sources, question))]


async def _outages(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    window, lost = question.window, dict[str, DeviceLost]()
    async for entry in _entries(sources, question.known_at):
        match entry.event() if entry.type in {DeviceLost.__name__, DeviceRestored.__name__} else None:
            case DeviceLost() as event if event.observed_at < window.end:
                lost.setdefault(event.device, event)
            case DeviceRestored() as event if event.device in lost:
                begun = lost.pop(event.device)
                if event.observed_at > window.start:
                    yield _outage(sources, begun, event.observed_at)
    for begun in sorted(lost.values(), key=lambda event: (event.observed_at, event.device)):
        yield _outage(sources, begun, None)


def _outage(sources: LabelSources, begun: DeviceLost, ended: int | None) -> Row:
    device = sources.site.devices.get(begun.device)
    seconds = None if ended is None else (ended - begun.observed_at) / 1e6
    protocol = "" if device is None else device.protocol
    return (begun.device, protocol, At(begun.observed_at), At(ended), seconds, begun.reason)


async def _entries(sources: LabelSources, known_at: int) -> AsyncIterator[StoredEvent]:
    """Entries of all devices that were recorded by then, in order."""
    position = 0
    while entries := await sources.events.read(position, PAGE, DEVICE_STREAMS):
        for entry in entries:
            if entry.recorded_at > known_at:
                return
            yield entry
        position = entries[-1].position


async def _permits(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    place: int | None = None
    while True:
        page = await sources.permits.page(PermitFilter(open_only=False), PAGE, place)
        for permit in page.permits:
            if permit.opened_at <= question.known_at and _touches(permit, question):
                yield _permit(permit, question.known_at)
        place = page.next_place
        if place is None:
            return


def _touches(permit: Permit, question: LabelQuestion) -> bool:
    return permit.begin < question.window.end and permit.until > question.window.start


def _permit(permit: Permit, known_at: int) -> Row:
    closed = permit.closed_at is not None and permit.closed_at <= known_at
    return (
        permit.permit,
        permit.kind.value,
        At(permit.begin),
        At(permit.until),
        " ".join(permit.scope.equipment),
        " ".join(permit.scope.zones),
        " ".join(permit.scope.systems),
        permit.reason,
        permit.opened_by,
        at_or_none(permit.closed_at, known_at),
        permit.closed_by if closed else "",
        permit.comment if closed else "",
    )


async def _hand_overs(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    window, place = question.window, None
    until = min(window.end, question.known_at + 1)
    while True:
        page = await sources.hand_overs.page(PAGE, place)
        for paper in page.hand_overs:
            if not window.start <= paper.prepared_at < until:
                continue
            signed = paper.signed_at is not None and paper.signed_at <= question.known_at
            yield (
                paper.hand_over,
                At(paper.prepared_at),
                paper.prepared_by,
                at_or_none(paper.signed_at, question.known_at),
                paper.signed_by if signed else "",
                paper.notes,
            )
        place = page.next_place
        if place is None:
            return


async def _safety(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    async for transition in transitions(sources, question, _is_linkage(sources)):
        alarm = transition.alarm
        yield (
            At(transition.recorded_at),
            transition.type,
            alarm.alarm_id,
            alarm.equipment,
            alarm.system,
            alarm.priority,
            alarm.state.value,
            alarm.text_zh,
            alarm.text_en,
            transition.actor,
            alarm.suppressed_as,
            alarm.suppressed_by,
        )


async def transitions(
    sources: LabelSources, question: LabelQuestion, wanted: Callable[[AlarmTransition], bool]
) -> AsyncIterator[AlarmTransition]:
    """What happened to alarms in the window and was recorded by then, the newest first."""
    window, place = question.window, None
    which = AlarmSearch(start=window.start, end=min(window.end, question.known_at + 1))
    while True:
        page = await sources.alarms.search(which, PAGE, place)
        for transition in page.transitions:
            if wanted(transition):
                yield transition
        place = page.next_place
        if place is None:
            return


def _is_linkage(sources: LabelSources) -> Callable[[AlarmTransition], bool]:
    rows = frozenset(sources.plan.linkage_rows)

    def wanted(transition: AlarmTransition) -> bool:
        linked = transition.type == AlarmSuppressed.__name__ and transition.alarm.suppressed_as in rows
        return linked or transition.alarm.system == System.FIRE.value

    return wanted
