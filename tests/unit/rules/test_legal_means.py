"""The legal limits of indoor air stand in the rules that ring for them, and nowhere else."""

import pytest

from cityhall_bms.rules.files import library
from cityhall_bms.rules.legal_means import legal_means
from cityhall_bms.rules.model import ConditionRule

HOUR_S = 3600.0
LEGAL = {
    # Indoor Air Quality Standards of Taiwan, article 2.
    "CO2": (1000.0, "ppm", 8, 0),
    "CO": (9.0, "ppm", 8, 0),
    "HCHO": (0.08, "ppm", 1, 2),
    "TVOC": (0.56, "ppm", 1, 2),
    "PM10": (75.0, "µg/m³", 24, 0),
    "PM25": (35.0, "µg/m³", 24, 0),
    "O3": (0.06, "ppm", 8, 2),
}


def test_the_shipped_rules_state_the_limits_of_the_standard() -> None:
    found = legal_means(library(), "IAQ_Sensor_Equipment")
    assert {item.role: (item.limit, item.unit, item.window_s / HOUR_S, item.decimals) for item in found} == LEGAL
    assert len(found) == len(LEGAL), "an early warning (the hourly mean of CO2) is no legal limit"
    assert all("article 2" in item.source for item in found)


def test_rules_of_other_equipment_state_none() -> None:
    assert legal_means(library(), "Air_Handling_Unit") == []


@pytest.mark.parametrize(
    "change",
    [
        {"condition": "avg(POINT, 8 h) > limit"},
        {"condition": "max(POINT, 8 h) >= limit + half_digit"},
        {"parameters": {"limit": "1000 ppm", "half_digit": "0 ppm"}},
    ],
)
def test_a_rule_of_another_form_states_no_legal_limit(change: dict[str, object]) -> None:
    [rule] = [rule for rule in library() if rule.id == "I01-CO2-8H"]
    assert isinstance(rule, ConditionRule)
    assert legal_means([rule.model_copy(update=change)], "IAQ_Sensor_Equipment") == []


def test_a_site_that_overrides_the_rule_changes_the_limit() -> None:
    [rule] = [rule for rule in library() if rule.id == "I01-CO2-8H"]
    stricter = rule.model_copy(update={"parameters": {"limit": "800 ppm", "half_digit": "0.5 ppm"}})
    [found] = legal_means([stricter], "IAQ_Sensor_Equipment")
    assert found.limit == 800.0
