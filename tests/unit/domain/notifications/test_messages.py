"""What people read on a small screen at night: what, where, how far, when, what to do, where to look."""

from dataclasses import replace

from tests.support.alarm_events import raised
from tests.support.notification_plans import PLAN, site

from cityhall_bms.domain.alarms import Alarm, AlarmReturned, alarm_id, evolve
from cityhall_bms.domain.notifications import Occasion
from cityhall_bms.domain.notifications.messages import alarm_message, flood_message, marked, trial_message, whereabouts
from cityhall_bms.domain.site import Text

SITE = site(replace(PLAN, link="https://bms.example/#/alarms/{alarm}"))
EVENT = raised(priority=2)
ALARM = evolve(Alarm(alarm_id("hi", EVENT.subject)), EVENT, version=1, position=7)
PROCEDURES = {"hi": Text("\n1. 檢查冰水閥\n2. 檢查風機", "1. Check the valve\n2. Check the fan")}


def test_a_raised_alarm_says_everything_in_chinese_first() -> None:
    title, text = alarm_message(Occasion.RAISED, ALARM, SITE, PROCEDURES)

    assert title == "【P2 高】送風溫度過高"
    assert text.splitlines() == [
        "送風溫度過高",
        "地點：五樓 西 五樓空調箱（TCH.05F.W.AHU01）",
        "數值：31.5 °C（限值 30 °C）",
        "時間：2026-07-01 08:00:00+08:00",
        "處置：1. 檢查冰水閥",
        "",
        "P2 high - Supply air too warm",
        "Where: Air handling unit 5F, West, 5th floor (TCH.05F.W.AHU01)",
        "Value: 31.5 °C (limit 30 °C)",
        "When: 2026-07-01 08:00:00+08:00",
        "What to do: 1. Check the valve",
        "連結 Link: https://bms.example/#/alarms/hi~TCH.05F.W.AHU01.SAT",
    ]


def test_what_is_not_known_has_no_line() -> None:
    bare = replace(ALARM, value=None, equipment="", rule="other")

    _, text = alarm_message(Occasion.RAISED, bare, site(), {})

    assert text.splitlines() == [
        "送風溫度過高",
        "時間：2026-07-01 08:00:00+08:00",
        "",
        "P2 high - Supply air too warm",
        "When: 2026-07-01 08:00:00+08:00",
    ]


def test_an_escalation_and_a_return_say_so() -> None:
    title, text = alarm_message(Occasion.ESCALATED, ALARM, SITE, {}, level=2)
    assert title == "【P2 高】升級2 送風溫度過高"
    assert "Escalated to level 2: Supply air too warm" in text

    over = evolve(ALARM, AlarmReturned(observed_at=EVENT.observed_at + 60_000_000), version=2, position=8)
    title, text = alarm_message(Occasion.RETURNED, over, SITE, {})
    assert title == "【P2 高】恢復 送風溫度過高"
    assert "時間：2026-07-01 08:01:00+08:00" in text
    assert "Over: Supply air too warm" in text


def test_a_flood_names_the_first_and_counts_the_rest() -> None:
    texts = [Text(f"警報{number}", f"alarm {number}") for number in range(5)]

    title, text = flood_message(1, 40, texts, EVENT.observed_at, SITE)

    assert title == "【P1 緊急】大量警報：另有 40 件"
    assert "・警報4" in text
    assert "…及其他 35 件" in text
    assert "- alarm 0" in text
    assert "其他" not in flood_message(1, 2, texts[:2], 0, SITE)[1]


def test_every_message_carries_its_id_and_says_when_it_may_be_a_repetition() -> None:
    assert marked("x", "7-wang-line", may_repeat=False) == "x\n編號 Id: 7-wang-line"
    assert marked("x", "7-wang-line", may_repeat=True).endswith("編號 Id: 7-wang-line（可能重複 may be a repetition）")


def test_a_test_says_that_it_is_one() -> None:
    title, text = trial_message("王小明", EVENT.observed_at, SITE)

    assert title.startswith("【測試】")
    assert "市政大樓" in text
    assert "a test sent by 王小明" in text


def test_unknown_equipment_is_named_as_it_is() -> None:
    assert whereabouts("X", SITE) == Text("X", "X")
