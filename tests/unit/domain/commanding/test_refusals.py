"""Texts for people, Chinese first."""

from cityhall_bms.domain.commanding.refusals import Refusal, joined
from cityhall_bms.domain.quality import Quality


def test_several_reasons_are_one_text_in_each_language() -> None:
    assert joined("甲 / a", "乙 / b") == "甲；乙 / a; b"
    assert joined("甲 / a", "exception 3") == "甲；exception 3 / a; exception 3"
    assert joined("exception 3") == "exception 3"


def test_what_is_not_known_is_named() -> None:
    refusal = Refusal.unknown("TCH.B2.CN.CHC01.LocRem", Quality.BAD_DEVICE_LOST)
    assert refusal.code == "quality"
    assert "TCH.B2.CN.CHC01.LocRem" in refusal.zh
    assert "device_lost" in refusal.en
