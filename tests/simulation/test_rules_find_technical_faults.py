"""The shipped rules of power, water, lifts, car park, fire, security and network against the simulator's faults.

Each campaign strikes many units of one building at once; a rule must ring at the unit that was struck, within its own
delay and two scans of the moment at which the plant shows it, and nowhere else.
"""

from datetime import datetime
from functools import cache
from typing import Any

import pytest
from tests.support.fault_effects.everything import EFFECTS
from tests.support.rule_campaign import Outcome, Strike, building, play, steps
from tests.support.rule_cases.case import Case
from tests.support.rule_cases.technical import CAMPAIGNS, DAY_S, TAIPEI

from cityhall_bms.rules.files import library
from cityhall_simulators.faults import FAULTS

FILES = frozenset({
    "backup_power.toml", "charging.toml", "controllers.toml", "extinguishing.toml", "fire.toml", "generators.toml",
    "high_voltage.toml", "lift.toml", "metering.toml", "parking.toml", "power.toml", "security.toml", "water.toml",
    "water_use.toml",
})  # fmt: skip
RULES: dict[str, Any] = {rule.id: rule for rule in library() if rule.origin.file in FILES}
pytestmark = pytest.mark.timeout(600)
"""The first test of a campaign plays it: weeks of the building, also on a machine that is busy with other things."""
CASES = [(name, case) for name, campaign in CAMPAIGNS.items() for case in campaign.cases]


def group(name: str) -> pytest.MarkDecorator:
    """Tests of one campaign share its run, and therefore a worker."""
    return pytest.mark.xdist_group(f"campaign {name}")


@cache
def outcome_of(name: str) -> Outcome:
    """A campaign is played once; many tests look at it."""
    campaign = CAMPAIGNS[name]
    return play(campaign.start, steps(*campaign.lengths), campaign.strikes(), RULES.values())


def delay_of(rule: str, priority: int) -> float:
    """On-delay of the condition that gives an alarm its priority."""
    found = RULES[rule]
    delays = {found.priority: found.on_delay_s}
    delays |= {step.priority: found.on_delay_s if step.on_delay_s is None else step.on_delay_s for step in found.steps}
    return delays[priority]


def scan_of(unit: str) -> float:
    """Slowest scan of a unit's points, s."""
    return max(point.scan_s for point in building().points if point.equipment.short == unit)


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, marks=group(name), id=f"{case.rule}-{case.fault}") for name, case in CASES],
)
def test_a_rule_finds_its_fault_in_time(name: str, case: Case) -> None:
    campaign = CAMPAIGNS[name]
    rung = outcome_of(name).rung(case.rule, case.unit)
    begin = campaign.begin_of(case)
    assert [one for one in rung if one.at_s <= begin] == [], "rang before anything was wrong"
    assert rung, "not found"
    reached = [one for one in rung if one.priority == case.priority]
    assert reached, f"never got to priority {case.priority}: {rung}"
    shown_s = EFFECTS[case.fault].onset_s if case.within_s is None else case.within_s
    step_s = next(step for until, step in campaign.lengths if reached[0].at_s <= until)
    allowed = begin + shown_s + delay_of(case.rule, case.priority) + 2 * max(scan_of(case.unit), step_s)
    assert reached[0].at_s <= allowed, "found too late"


@pytest.mark.parametrize("name", [pytest.param(name, marks=group(name)) for name in CAMPAIGNS])
def test_nothing_rings_where_nothing_is_wrong(name: str) -> None:
    campaign = CAMPAIGNS[name]
    meant = {(case.rule, case.unit) for case in campaign.cases}
    strangers = {one for one in outcome_of(name).pairs() if one not in meant and not campaign.explained(*one)}
    assert strangers == set()


def test_nothing_rings_over_a_sound_working_day() -> None:
    start = datetime(2026, 7, 1, 0, 0, tzinfo=TAIPEI)
    outcome = play(start, steps((86_400.0, 120.0)), [], RULES.values())
    assert outcome.heard == []


def test_a_day_in_which_one_panel_carried_anothers_load_is_no_imbalance() -> None:
    moved = [
        Strike("panel_trip", "LVP03", 2.0 * DAY_S, 2.2 * DAY_S),
        Strike("transformer_trip", "TR05", 4.0 * DAY_S, 4.2 * DAY_S),
        Strike("gis_trip", "GIS05", 6.0 * DAY_S, 6.2 * DAY_S),
        Strike("gis_trip", "GIS01", 8.0 * DAY_S, 8.2 * DAY_S),
    ]
    balances = [rule for name, rule in RULES.items() if name.startswith("METER-")]
    outcome = play(datetime(2026, 6, 1, tzinfo=TAIPEI), steps((10.0 * DAY_S, 3_600.0)), moved, balances)
    assert outcome.heard == []


def test_every_rule_of_these_files_has_a_case() -> None:
    assert set(RULES) - {case.rule for _, case in CASES} == set()


NOT_BY_THAT_FAULT_ALONE = {
    "E10-CALL",  # the supply must be lost as well
    "E01-LV",  # rings at the panels of the line that was struck
    "METER-DATA",  # a power that reads too much is wrong at any point; at a sub-meter its panel tells
    "W01-HI", "W01-LO", "W01-FIRELO",  # the level sensor must have failed as well
    "V02-FAN",  # the fans of the quarter must have failed as well
    "WPP-LOCK",  # only the third trip locks
    "W03-REST",  # only at a meter that should rest
    "W03-NIGHT", "WPP-ALT", "L02-REGEN",  # after days
}  # fmt: skip


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=lambda case: f"{case.rule}-{case.fault}")
def test_the_truth_file_names_what_the_rule_detects(case: Case) -> None:
    named = set(RULES[case.rule].detects) & set(FAULTS[case.fault].rules)
    assert bool(named) is (case.rule not in NOT_BY_THAT_FAULT_ALONE)
