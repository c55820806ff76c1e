"""From what the engine proposes and how the alarm stands to the event, if there is one."""

from collections.abc import Iterable

from cityhall_bms.domain.alarm_book import AlarmBook
from cityhall_bms.domain.alarms import Alarm, AlarmEvent, AlarmPriorityChanged, AlarmRaised, AlarmReturned, alarm_id
from cityhall_bms.rules.engine import Change, Proposal


def identity(proposal: Proposal) -> str:
    """Alarm that a proposal is about."""
    return alarm_id(proposal.rule.id, proposal.subject.name)


def decide(alarm: Alarm, proposal: Proposal, telemetry_position: int) -> AlarmEvent | None:
    """Event that a proposal makes of an alarm; none when the alarm already stands so."""
    if proposal.kind is Change.RETURNED:
        return _return(proposal, telemetry_position) if alarm.active else None
    if not alarm.active:
        return _raise(alarm, proposal, telemetry_position)
    return _change(proposal, telemetry_position) if proposal.priority != alarm.priority else None


def decided(book: AlarmBook, proposals: Iterable[Proposal], telemetry_position: int) -> dict[str, AlarmEvent]:
    """Events that the proposals of one step make of the alarms in a book, for :meth:`AlarmBook.decide`."""
    events = {name: decide(book[name], item, telemetry_position) for item in proposals for name in [identity(item)]}
    return {name: event for name, event in events.items() if event is not None}


def abandon(alarm: Alarm, at: int, telemetry_position: int) -> AlarmReturned | None:
    """Return of an alarm whose rule or subject is gone: nobody else would ever end it."""
    if not alarm.active:
        return None
    return AlarmReturned(observed_at=at, telemetry_position=telemetry_position)


def _raise(alarm: Alarm, proposal: Proposal, telemetry_position: int) -> AlarmRaised:
    rule, subject = proposal.rule, proposal.subject
    return AlarmRaised(
        rule=rule.id,
        rule_version=rule.version,
        subject=subject.name,
        equipment=subject.equipment,
        system=subject.system,
        priority=proposal.priority,
        text_zh=_text(rule.text_zh, proposal, subject.text_zh),
        text_en=_text(rule.text_en, proposal, subject.text_en),
        latching=rule.latching,
        occurrence=alarm.occurrence + 1,
        observed_at=proposal.observed_at,
        value=proposal.value,
        limit=proposal.limit,
        unit=subject.unit,
        telemetry_position=telemetry_position,
    )


def _change(proposal: Proposal, telemetry_position: int) -> AlarmPriorityChanged:
    rule, subject = proposal.rule, proposal.subject
    return AlarmPriorityChanged(
        priority=proposal.priority,
        text_zh=_text(rule.text_zh, proposal, subject.text_zh),
        text_en=_text(rule.text_en, proposal, subject.text_en),
        observed_at=proposal.observed_at,
        value=proposal.value,
        limit=proposal.limit,
        telemetry_position=telemetry_position,
    )


def _return(proposal: Proposal, telemetry_position: int) -> AlarmReturned:
    return AlarmReturned(observed_at=proposal.observed_at, value=proposal.value, telemetry_position=telemetry_position)


def _text(template: str, proposal: Proposal, equipment: str) -> str:
    return template.format(
        equipment=equipment,
        point=proposal.subject.point or proposal.subject.name,
        value=_figure(proposal.value),
        limit=_figure(proposal.limit),
        unit=proposal.subject.unit,
    )


def _figure(value: float | None) -> str:
    """Give a number as people write it, with two decimals at most."""
    if value is None:
        return "–"
    return f"{value:.2f}".rstrip("0").rstrip(".")
