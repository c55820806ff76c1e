"""The alarm that tells operators of a command which did not do what it said, and its end."""

from typing import Final

from cityhall_bms.domain.alarms import Alarm, AlarmEvent, AlarmRaised, AlarmReturned, alarm_id
from cityhall_bms.domain.commands import CommandTarget

RULE: Final = "COMMAND-FAILED"
TEXT_CHARACTERS_MAX: Final = 300


def alarm_of(point: str) -> str:
    """Identity of the alarm of a commanded point."""
    return alarm_id(RULE, point)


def ring(alarm: Alarm, target: CommandTarget, what: str, priority: int, at: int) -> AlarmEvent | None:
    """Ring, unless it rings already; ``what`` is in both languages, parted by `` / ``."""
    if alarm.active:
        return None
    zh, _, en = what.partition(" / ")
    name = target.point.name
    return AlarmRaised(
        rule=RULE,
        rule_version=1,
        subject=name,
        equipment=target.equipment.name,
        system=target.equipment.system.value,
        priority=priority,
        text_zh=f"{target.equipment.text.zh}{target.point.text.zh}指令失敗：{zh}"[:TEXT_CHARACTERS_MAX],
        text_en=f"Command of {name} failed: {en or zh}"[:TEXT_CHARACTERS_MAX],
        latching=False,
        occurrence=alarm.occurrence + 1,
        observed_at=at,
    )


def over(alarm: Alarm, at: int) -> AlarmEvent | None:
    """End it when a command of the point was proved again."""
    return AlarmReturned(observed_at=at) if alarm.active else None
