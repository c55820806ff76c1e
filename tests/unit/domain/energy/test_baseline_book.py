"""Baselines and adjustments as they are recorded: decided once, folded from their streams."""

from dataclasses import replace
from typing import Any

import pytest

from cityhall_bms.domain.energy.baseline_book import (
    BaselineFitted,
    BaselineRecord,
    NonRoutineAdjusted,
    adjust,
    adopt,
    fold_adjustment,
    fold_baseline,
    withdraw,
)
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, Event, StoredEvent

DAY_US = 86_400_000_000
STATISTICS: dict[str, Any] = {
    "n": 365, "parameters": 4, "mean": 26_000.0, "r2": 0.97, "r2_adjusted": 0.969, "cvrmse": 4.2, "nmbe": 0.0,
    "autocorrelation": 0.3,
}  # fmt: skip
FITTED = BaselineFitted(
    baseline="2015-01-05-1", meter="TCH.ELEC.MAIN", model="cooling", option="C", first=0, until=365 * DAY_US,
    known_at=400 * DAY_US, temperature_point="TCH.R.CN.WX01.OAT",
    coefficients={"base": 20_000.0, "workday": 8_000.0, "cooling_point": 21.0, "cooling_off": 900.0, "cooling_work": 900.0},
    statistics=STATISTICS, months={}, refused=[], limits={"cvrmse_hour": 30.0}, intervals=365, missing=0, outliers=[],
    coldest=8.0, warmest=33.0, note="", by="王小明", at=400 * DAY_US,
)  # fmt: skip
ADJUSTED = NonRoutineAdjusted(
    "2015-03-02-1", "TCH.ELEC.MAIN", 0, None, 400.0, "every_day", "新增 18 座充電樁", "驗收紀錄 104-03", "王小明", 0
)


def entry(event: Event, version: int) -> StoredEvent:
    return StoredEvent(
        100 + version, 0, "s", version, type(event).__name__, "a", event.payload(), GENESIS_HASH, GENESIS_HASH
    )


def test_what_is_fitted_can_be_adopted_and_measures_savings() -> None:
    fitted = fold_baseline(None, entry(FITTED, 1))
    assert fitted is not None
    adopted = fold_baseline(fitted, entry(adopt(fitted, by="陳主任", at=5, comment="會議決議"), 2))

    assert adopted is not None
    assert (adopted.adopted_by, adopted.adopted_at, adopted.comment) == ("陳主任", 5, "會議決議")
    assert (adopted.version, adopted.position) == (2, 102)
    assert adopted.yardstick.statistics.cvrmse == 4.2


def test_a_baseline_that_breaks_its_limits_is_not_adopted_and_every_reason_is_told() -> None:
    record = BaselineRecord(replace(FITTED, refused=["too_short", "cvrmse"]))
    with pytest.raises(RefusedError, match=r"基準期不足一年、CVRMSE 超過上限 / .*shorter than a year; CVRMSE is above"):
        adopt(record, by="x", at=0, comment="")


def test_what_cannot_follow_changes_nothing() -> None:
    adopted = adopt(BaselineRecord(FITTED), by="x", at=0, comment="")
    assert fold_baseline(None, entry(adopted, 1)) is None
    fitted = fold_baseline(None, entry(FITTED, 1))
    assert fold_baseline(fitted, entry(FITTED, 2)) == fitted
    newer = StoredEvent(9, 0, "s", 2, "BaselineOfAFarFuture", "a", {}, GENESIS_HASH, GENESIS_HASH)
    assert fold_baseline(fitted, newer) == fitted


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": " "}, "reason"),
        ({"evidence": ""}, "evidence"),
        ({"kwh_per_day": 0.0}, "nothing"),
        ({"begin": 5, "until": 5}, "ends after"),
    ],
)
def test_an_adjustment_needs_reason_evidence_amount_and_an_end_after_its_beginning(
    changes: dict[str, Any], words: str
) -> None:
    assert adjust(ADJUSTED) == ADJUSTED
    with pytest.raises(RefusedError, match=words):
        adjust(replace(ADJUSTED, **changes))


def test_an_adjustment_is_withdrawn_once_and_with_a_reason() -> None:
    made = fold_adjustment(None, entry(ADJUSTED, 1))
    assert made is not None
    assert made.extra.kwh_per_day == 400.0
    assert not made.extra.workdays_only
    with pytest.raises(RefusedError, match="reason"):
        withdraw(made, by="x", at=1, reason="")
    gone = fold_adjustment(made, entry(withdraw(made, by="x", at=1, reason="重複登錄"), 2))
    assert gone is not None
    assert (gone.withdrawn_by, gone.withdrawn_for) == ("x", "重複登錄")
    with pytest.raises(RefusedError, match="withdrawn by x"):
        withdraw(gone, by="y", at=2, reason="again")
