"""Rules of the language at a site: other equipment, schedules, targets, units that fit and units that do not."""

import tomllib
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.rule_trial import START_US, UNIT, point, rule, site_of

from cityhall_bms.domain.calendars import (
    HOLIDAYS,
    WORKDAYS,
    Calendar,
    DayKind,
    Period,
    Schedule,
    Schedules,
    SpecialDay,
)
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Equipment, Site, System, Text
from cityhall_bms.domain.targets import Target, Targets
from cityhall_bms.rules.binding import Binding, bind
from cityhall_bms.rules.engine import Answer, Columns, Engine
from cityhall_bms.rules.files import RuleFile, read_rules

AHU, BOXES, LONELY = "TCH.01.E.AHU01", [f"TCH.01.E.VAV0{number}" for number in (1, 2, 3)], "TCH.01.E.VAV09"


def floor(**units: str) -> tuple[Site, dict[str, int]]:
    """An air handling unit, three boxes that it feeds through a duct, and one box that nobody feeds."""
    points = [point(AHU, "SAT"), point(AHU, "Run", unit=""), *(point(box, "Flow", unit="m³/h") for box in BOXES)]
    points += [point(box, "SP", unit=units.get(box[-1], "m³/h")) for box in BOXES] + [
        point(LONELY, "Flow", unit="m³/h")
    ]
    site = site_of({AHU: "AHU", "TCH.01.E.DUC01": "Duct"} | dict.fromkeys([*BOXES, LONELY], "VAV"), points)
    fed = {"TCH.01.E.DUC01": (AHU,)} | dict.fromkeys(BOXES, ("TCH.01.E.DUC01",))
    equipment = {
        name: Equipment(name, item.brick_class, System.HVAC, Text(name, name), fed.get(name, ()))
        for name, item in site.equipment.items()
    }
    site = replace(site, equipment=equipment)
    return site, {name: number for number, name in enumerate(site.points, start=1)}


def answers(binding: Binding, ids: dict[str, int], values: dict[str, float]) -> dict[str, Answer]:
    """Answer of each subject when points have these values; others are 0, NaN is bad."""
    names = {number: name for name, number in ids.items()}
    value = np.array([values.get(names[number], 0.0) for number in binding.point_ids.tolist()])
    quality = np.where(np.isnan(value), int(Quality.BAD), 0).astype(np.uint8)
    engine = Engine(binding)
    step = engine.step(engine.start(), START_US, Columns(value, quality, np.full(len(value), START_US)))
    subjects = [subject.name for bound in binding.rules for subject in bound.subjects]
    return dict(zip(subjects, [Answer(code) for code in step.state.answer.tolist()], strict=True))


class TestOtherEquipment:
    def test_what_feeds_is_found_through_others(self) -> None:
        site, ids = floor()
        binding = bind([rule(equipment_class="VAV", condition="Flow > 10 m³/h", when="fed_by.AHU.Run == 1")], site, ids)
        told = answers(binding, ids, {f"{AHU}.Run": 1.0, f"{BOXES[1]}.Flow": 11.0})
        assert told == {BOXES[0]: Answer.FALSE, BOXES[1]: Answer.TRUE, BOXES[2]: Answer.FALSE}
        assert answers(binding, ids, {}) == dict.fromkeys(BOXES, Answer.NOT_APPLICABLE)

    def test_without_any_the_rule_is_not_applicable_and_says_why(self) -> None:
        site, ids = floor()
        binding = bind([rule(equipment_class="VAV", condition="Flow > 1 m³/h and fed_by.AHU.Run == 1")], site, ids)
        assert [(item.equipment, item.reason) for item in binding.unbound] == [(LONELY, "no fed_by.AHU with Run")]

    @pytest.mark.parametrize(
        ("condition", "flows", "expected"),
        [
            ("any(feeds.VAV.Flow > 10 m³/h)", (0, 11, 0), Answer.TRUE),
            ("any(feeds.VAV.Flow > 10 m³/h)", (0, np.nan, 0), Answer.UNKNOWN),
            ("any(feeds.VAV.Flow > 10 m³/h)", (11, np.nan, 0), Answer.TRUE),
            ("all(feeds.VAV.Flow > 10 m³/h)", (11, 12, 13), Answer.TRUE),
            ("all(feeds.VAV.Flow > 10 m³/h)", (11, np.nan, 0), Answer.FALSE),
            ("sum(feeds.VAV.Flow) > 20 m³/h", (7, 7, 7), Answer.TRUE),
            ("sum(feeds.VAV.Flow) > 20 m³/h", (7, np.nan, 70), Answer.UNKNOWN),
            ("mean(feeds.VAV.Flow) >= 7 m³/h", (6, 7, 8), Answer.TRUE),
            ("least(feeds.VAV.Flow) == 6 m³/h", (6, 7, 8), Answer.TRUE),
            ("most(feeds.VAV.Flow) == 8 m³/h", (6, 7, 8), Answer.TRUE),
            ("number(feeds.VAV.Flow > feeds.VAV.SP + 1 m³/h) == 2", (6, 7, 0), Answer.TRUE),
            ("number(feeds.VAV.Flow > 1 m³/h and Run == 1) == 0", (6, 7, 8), Answer.TRUE),
            ("site.VAV.Flow > 1 m³/h", (1, 1, 1), None),
        ],
    )
    def test_several_are_asked_together(
        self, condition: str, flows: tuple[float, ...], expected: Answer | None
    ) -> None:
        site, ids = floor()
        binding = bind([rule(equipment_class="AHU", condition=condition)], site, ids)
        values = {f"{box}.Flow": float(flow) for box, flow in zip(BOXES, flows, strict=True)}
        assert answers(binding, ids, values).get(AHU) == expected
        if expected is None:
            assert [item.reason for item in binding.unbound] == [
                "4 site.VAV with Flow: ask for any(..), mean(..) or the like"
            ]

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            # Only the last of the boxes has a damper, and only the others have a flow.
            ("all(feeds.VAV.Flow > 10 m³/h) and all(feeds.VAV.Damper > 50 %)", Answer.TRUE),
            ("any(feeds.VAV.Flow > 30 m³/h) or any(feeds.VAV.Damper > 50 %)", Answer.TRUE),
            ("number(feeds.VAV.Flow > 10 m³/h) == 2 and number(feeds.VAV.SP > 5 m³/h) == 3", Answer.TRUE),
            # Those with both are asked about both.
            ("all(feeds.VAV.Flow > feeds.VAV.SP) and all(feeds.VAV.SP >= 6 m³/h)", Answer.TRUE),
            ("any(feeds.VAV.Flow > 10 m³/h and feeds.VAV.Damper > 50 %)", None),
        ],
    )
    def test_each_aggregate_has_members_of_its_own(self, condition: str, expected: Answer | None) -> None:
        site, _ = floor(**{"3": "L/s"})
        kept = {name: item for name, item in site.points.items() if name != f"{BOXES[2]}.Flow"}
        site = replace(site, points=kept | {f"{BOXES[2]}.Damper": point(BOXES[2], "Damper", unit="%")})
        ids = {name: number for number, name in enumerate(site.points, start=1)}
        binding = bind([rule(equipment_class="AHU", condition=condition)], site, ids)
        flows = {f"{box}.Flow": 12.0 for box in BOXES[:2]} | {f"{box}.SP": 6.0 for box in BOXES}
        assert answers(binding, ids, flows | {f"{BOXES[2]}.Damper": 60.0}).get(AHU) == expected


class TestSite:
    """Schedules and targets of the site."""

    SCHEDULES = Schedules(
        "Asia/Taipei",
        (Calendar("office", days={date(2026, 7, 1): SpecialDay(DayKind.HOLIDAY)}),),
        (Schedule("occupied", {WORKDAYS: (Period(8 * 60, 12 * 60), Period(13 * 60, 17 * 60 + 30)), HOLIDAYS: ()}),),
    )

    def answer(self, condition: str, local: str, **keys: Any) -> Answer:
        site = replace(
            site_of({UNIT: "Unit"}, [point(UNIT, "T")]),
            schedules=self.SCHEDULES,
            targets=Targets("Asia/Taipei", (Target("WARM", 30.0, "°C", date(2026, 7, 1)),)),
        )
        binding = bind([rule(condition=condition, **keys)], site, {f"{UNIT}.T": 1})
        assert binding.problems == ()
        at = round(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Taipei")).timestamp() * 1e6)
        engine = Engine(binding)
        columns = Columns(np.array([31.0]), np.zeros(1, np.uint8), np.array([at]))
        return Answer(engine.step(engine.start(), at, columns).state.answer[0])

    @pytest.mark.parametrize(
        ("local", "expected"),
        [
            ("2026-06-30 11:59", Answer.TRUE),
            ("2026-06-30 12:30", Answer.NOT_APPLICABLE),
            ("2026-06-30 13:00", Answer.TRUE),
            ("2026-07-01 11:00", Answer.NOT_APPLICABLE),
            ("2026-07-04 11:00", Answer.NOT_APPLICABLE),
        ],
    )
    def test_pain_33_a_rule_asks_for_a_schedule_of_several_periods_with_holidays(
        self, local: str, expected: Answer
    ) -> None:
        assert self.answer("T > 30 °C", local, when="within(occupied)") == expected

    def test_today_may_be_a_holiday(self) -> None:
        assert self.answer("holiday() and T > 30 °C", "2026-07-01 11:00") == Answer.TRUE
        assert self.answer("holiday() and T > 30 °C", "2026-07-02 11:00") == Answer.FALSE

    def test_a_target_is_unknown_before_its_first_day(self) -> None:
        assert self.answer("T > target(WARM)", "2026-06-30 11:00") == Answer.UNKNOWN
        assert self.answer("T > target(WARM)", "2026-07-01 11:00") == Answer.TRUE


class TestUnits:
    def test_rows_in_another_unit_of_the_same_kind_are_converted(self) -> None:
        site, ids = floor(**{"2": "L/s"})
        binding = bind([rule(equipment_class="VAV", condition="Flow > SP")], site, ids)
        told = answers(binding, ids, {f"{box}.Flow": 10.0 for box in BOXES} | {f"{box}.SP": 5.0 for box in BOXES})
        assert told == {BOXES[0]: Answer.TRUE, BOXES[1]: Answer.FALSE, BOXES[2]: Answer.TRUE}

    def test_a_row_of_another_kind_is_left_out_and_named(self) -> None:
        site, ids = floor(**{"2": "kPa"})
        binding = bind([rule(equipment_class="VAV", condition="Flow > SP")], site, ids)
        assert [(item.equipment, item.reason) for item in binding.unbound if not item.missing] == [
            (BOXES[1], f"{BOXES[1]}.SP is in 'kPa', {BOXES[0]}.SP in 'm³/h'")
        ]

    def test_a_rule_that_does_not_fit_its_site_is_bound_to_nothing_and_the_others_go_on(self) -> None:
        text = """
        [[rule]]
        id = "X"
        equipment_class = "VAV"
        condition = "Flow > 30 °C"
        priority = 3
        text_zh = "x"
        text_en = "x"
        source = "test"
        """
        (wrong,) = read_rules([RuleFile("own.toml", tomllib.loads(text), lambda _: 5)])
        site, ids = floor()
        binding = bind([wrong, rule(equipment_class="AHU", condition="SAT > 30 °C")], site, ids)
        assert [bound.rule.id for bound in binding.rules] == ["R"]
        assert [str(problem) for problem in binding.problems] == [
            "own.toml:5: rule X, condition: column 6: m³/h against °C -> compare and add like with like"
        ]
