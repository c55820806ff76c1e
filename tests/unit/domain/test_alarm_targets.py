"""Each figure beside its target, as the table of IEC 62682 / EEMUA 191 has it."""

import pytest
from tests.support.annunciations import DAY, HOUR, START, ring, table

from cityhall_bms.domain.alarm_figures import figures
from cityhall_bms.domain.alarm_targets import TARGETS, Verdict, judge

BY_NAME = {target.name: target for target in TARGETS}


# name, good, still acceptable (none: there is nothing between good and over), over
TABLE = """
per_10_min             1      2      2.1
per_hour               6      12     13
per_day                144    288    289
peak_10_min            10     -      11
in_flood               0.0099 -      0.01
busy_10_min            0.0099 -      0.01
busy_hours             0.0099 -      0.01
chattering             0      -      1
fleeting               0      -      1
stale_per_day          4      -      5
top_10                 0.05   -      0.051
priority_1             0.049  -      0.05
priority_2             0.15   0.20   0.21
priority_3_4           0.80   0.75   0.74
acknowledged_in_time_1 0.95   0.90   0.89
acknowledged_in_time_4 0.95   0.90   0.89
unauthorised           0      -      1
"""


@pytest.mark.parametrize("row", TABLE.strip().splitlines())
def test_a_figure_is_good_acceptable_or_over(row: str) -> None:
    name, good, acceptable, over = row.split()
    target = BY_NAME[name]

    assert target.keeps(float(good), target.good)
    assert not target.keeps(float(over), target.limit)
    if acceptable != "-":
        assert not target.keeps(float(acceptable), target.good)
        assert target.keeps(float(acceptable), target.limit)


def test_a_quiet_day_is_good_and_has_no_shares_to_judge() -> None:
    found = {judgement.target.name: judgement for judgement in judge(figures(table([]), START, START + DAY))}

    assert found["per_day"].verdict is Verdict.GOOD
    assert {name for name, judgement in found.items() if judgement.verdict is Verdict.NONE} == {
        "priority_1", "priority_2", "priority_3_4", *(f"acknowledged_in_time_{priority}" for priority in range(1, 5)),
    }  # fmt: skip
    assert {judgement.verdict for judgement in found.values()} == {Verdict.GOOD, Verdict.NONE}


def test_a_bad_hour_is_over_in_every_figure_of_load() -> None:
    rows = [ring("a", 20 * n, 20 * n + 10, priority=1) for n in range(180)]

    over = {
        judgement.target.name
        for judgement in judge(figures(table(rows), START, START + HOUR))
        if judgement.verdict is Verdict.OVER
    }

    assert over >= {"per_10_min", "per_hour", "per_day", "peak_10_min", "in_flood", "busy_10_min", "busy_hours"}
    assert over >= {"chattering", "top_10", "priority_1", "priority_3_4", "acknowledged_in_time_1"}
