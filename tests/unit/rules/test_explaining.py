"""Why an alarm rang, in words, and which points its rule looked at: for every kind of rule."""

import pytest
from tests.support.rule_trial import UNIT, point, rule, site_of

from cityhall_bms.domain.alarms import AlarmRaised
from cityhall_bms.rules.explaining import inputs_of, reason
from cityhall_bms.rules.model import Rule

POINTS = [point(UNIT, "T"), point(UNIT, "Limit"), point(UNIT, "Run", unit=""), point(UNIT, "Cmd", unit="")]
SITE = site_of({UNIT: "Unit"}, POINTS)
IDS = {item.name: number for number, item in enumerate(POINTS, start=1)}


def raised(subject: str, value: float | None, limit: float | None) -> AlarmRaised:
    return AlarmRaised(
        rule="X", rule_version=1, subject=subject, equipment=UNIT, system="hvac", priority=3, text_zh="警", text_en="Alarm",
        latching=False, occurrence=1, observed_at=0, value=value, limit=limit, unit="°C",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "subject", "value", "limit", "parts", "zh", "en"),
    [
        (
            rule(each=["T"], condition="POINT > Limit + 1 K", on_delay_s=60),
            f"{UNIT}.T", 31.25, 30.0, [("T", "value"), ("Limit", "limit")],
            "為 31.25 °C，高於上限 30 °C，持續達 60 秒。", "was 31.25 °C, above its high limit of 30 °C, for 60 s.",
        ),
        (
            rule(condition="T < 5 °C"), UNIT, 4.0, 5.0, [("T", "value")],
            "為 4 °C，低於下限 5 °C。", "was 4 °C, below its low limit of 5 °C.",
        ),
        (
            rule(condition="T == 1 °C", when="Run == 1"), UNIT, 1.0, None,
            [("T", "value"), ("Run", "prerequisite")], "當 Run == 1 時，T", "While Run == 1, T",
        ),
        (
            rule(condition="Run != Cmd"), UNIT, 0.0, 1.0,
            [("Run", "value"), ("Cmd", "command")], "為 0 °C，與 1 °C 不符。", "was 0 °C, though 1 °C was wanted.",
        ),
        (
            rule(condition="abs(T - Limit) > 2 K or Run == 0"), UNIT, 4.0, 2.0,
            [("T", "value"), ("Limit", "value"), ("Run", "value")],
            "條件成立：abs(T - Limit) > 2 K or Run == 0（4 °C / 2 °C）。", "the condition held: abs(T - Limit) > 2 K or Run == 0 (4 °C / 2 °C).",
        ),
        (
            rule(condition="T > 30 °C", priority=4, on_delay_s=5, step=[{"priority": 3, "condition": "T > 35 °C", "on_delay_s": 2}]),
            UNIT, 36.0, 35.0, [("T", "value")], "高於上限 35 °C，持續達 2 秒。", "above its high limit of 35 °C, for 2 s.",
        ),
        (
            rule(kind="stale", role=["T", "Run"]), UNIT, None, None, [("T", "watched"), ("Run", "watched")],
            f"{UNIT} 的 2 個點位都沒有良好的新值。", f"none of the 2 points of {UNIT} had a good, fresh value.",
        ),
    ],
)  # fmt: skip
def test_the_reason_names_what_the_rule_looked_at(
    chosen: Rule, subject: str, value: float | None, limit: float | None, parts: list[tuple[str, str]], zh: str, en: str
) -> None:
    inputs = inputs_of(chosen, subject, SITE, IDS)
    assert [(item.point.role, item.part.value) for item in inputs] == parts
    words = reason(chosen, raised(subject, value, limit), inputs)
    assert zh in words.zh
    assert en in words.en


def test_what_a_site_no_longer_has_is_told_without_its_points() -> None:
    gone = rule(each=["T"], condition="POINT > 30 °C")
    assert inputs_of(gone, "NO.T", SITE, IDS) == []
    assert reason(gone, raised("NO.T", 31.0, 30.0), []).en == "NO.T was 31 °C, above its high limit of 30 °C."
