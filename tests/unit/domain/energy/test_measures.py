"""The register of measures: what may follow what, and the money of the city's lighting."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.measures import (
    FOLLOWING,
    Measure,
    MeasureMeasured,
    MeasureMoved,
    MeasureProposed,
    MeasureRevised,
    MeasureStatus,
    check_definition,
    check_open,
    fold_measure,
    measure_stream,
    move_measure,
    saved_ntd,
)
from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, Event, StoredEvent

WORDS: dict[str, Any] = {
    "text_zh": "西側招牌燈減量", "text_en": "West sign: 12 to 4 lamps", "commodity": "electricity", "option": "A",
    "meters": ["EM_SIGN"], "equipment": [], "deemed": 9072.0, "price_ntd": "3.79005", "cost_ntd": 68_000.0,
    "baseline": "", "by": "王小明", "at": 1,
}  # fmt: skip
PROPOSED = MeasureProposed(measure="ECM-104-01", **WORDS)
MEASURED = MeasureMeasured(
    saved=8_900.0, method="before_after", before_first="2015-02-03", before_until="2015-03-03",
    after_first="2015-03-03", after_until="2015-03-31", by="李小華", at=4, uncertainty=120.0,
)  # fmt: skip


def fold(*events: Event) -> Measure:
    measure: Measure | None = None
    for version, event in enumerate(events, 1):
        entry = StoredEvent(
            10 + version, 0, measure_stream("ECM-104-01"), version, type(event).__name__, "a", event.payload(),
            GENESIS_HASH, GENESIS_HASH,
        )  # fmt: skip
        measure = fold_measure(measure, entry)
    assert measure is not None
    return measure


def moved(status: MeasureStatus, **more: str) -> MeasureMoved:
    return MeasureMoved(status.value, "陳主任", 3, **more)


@pytest.mark.parametrize(
    ("kwh", "published"), [(9_072.0, 34_383), (3_230.0, 12_241), (1_920.0, 7_276)]
)  # fmt: skip
def test_the_citys_three_lighting_measures_have_one_price_and_one_rule(kwh: float, published: int) -> None:
    """With 3.79 exactly no rule gives all three: half-up has 12,242 and 7,277, dropping fractions has 34,382.

    Dropping fractions with the mean price before it was itself rounded, between 3.790014 and 3.790093, gives all.
    """
    for price in ("3.790014", "3.79005", "3.790092"):
        assert half_up(float(price)) == Decimal("3.79")
        assert saved_ntd(kwh, Decimal(price)) == published


def test_no_rule_gives_the_three_with_the_price_as_it_is_printed() -> None:
    price = Decimal("3.79")
    assert [saved_ntd(kwh, price) for kwh in (9_072.0, 3_230.0, 1_920.0)] == [34_382, 12_241, 7_276]
    assert [half_up(kwh * 3.79, 0) for kwh in (9_072.0, 3_230.0, 1_920.0)] == [34_383, 12_242, 7_277]


def test_a_regenerative_lift_gives_916_kwh_a_month() -> None:
    assert 10_992 / 12 == 916
    assert saved_ntd(1_920.0, None) is None


def test_a_measure_goes_from_proposal_to_its_end() -> None:
    measure = fold(
        PROPOSED, moved(MeasureStatus.APPROVED), moved(MeasureStatus.IN_PLACE, start="2015-03-03"), MEASURED,
        moved(MeasureStatus.VERIFIED),
    )  # fmt: skip
    assert (measure.status, measure.start, measure.verified_by) == (MeasureStatus.VERIFIED, "2015-03-03", "陳主任")
    assert (measure.version, measure.position, measure.proposed_by) == (5, 15, "王小明")
    assert (measure.saving, measure.money_ntd) == (8_900.0, 33_731)
    assert measure.payback_years == pytest.approx(68_000 / 33_731)


def test_until_it_is_measured_its_saving_is_what_was_deemed() -> None:
    measure = fold(PROPOSED)
    assert (measure.saving, measure.money_ntd) == (9_072.0, 34_383)
    free = replace(measure, definition=replace(measure.definition, price_ntd=None))
    assert (free.money_ntd, free.payback_years) == (None, None)


def test_what_it_is_can_be_said_anew() -> None:
    measure = fold(PROPOSED, MeasureRevised(**WORDS | {"deemed": 9_000.0, "by": "李小華"}))
    assert (measure.definition.deemed, measure.changed_by, measure.proposed_by) == (9_000.0, "李小華", "王小明")


def test_entries_of_a_newer_version_change_nothing() -> None:
    measure = fold(PROPOSED)
    strange = StoredEvent(99, 0, "measure/ECM-104-01", 2, "MeasureDreamt", "a", {}, GENESIS_HASH, GENESIS_HASH)
    assert fold_measure(measure, strange) is measure
    assert fold_measure(None, strange) is None


@pytest.mark.parametrize("before", list(MeasureStatus))
@pytest.mark.parametrize("after", list(MeasureStatus))
def test_only_what_the_table_has_may_follow(before: MeasureStatus, after: MeasureStatus) -> None:
    measure = replace(fold(PROPOSED, MEASURED), status=before)
    event = moved(after, start="2015-03-03")
    if after in FOLLOWING[before]:
        assert move_measure(measure, event) is event
    else:
        with pytest.raises(RefusedError, match=f"is {before}: it can become"):
            move_measure(measure, event)


def test_nothing_is_verified_that_was_not_measured_and_nothing_in_place_without_its_day() -> None:
    unmeasured = replace(fold(PROPOSED), status=MeasureStatus.IN_PLACE)
    with pytest.raises(RefusedError, match="record a measurement first"):
        move_measure(unmeasured, moved(MeasureStatus.VERIFIED))
    with pytest.raises(RefusedError, match="from which day"):
        move_measure(replace(unmeasured, status=MeasureStatus.APPROVED), moved(MeasureStatus.IN_PLACE))


@pytest.mark.parametrize("status", list(MeasureStatus))
def test_what_is_verified_or_over_changes_no_more(status: MeasureStatus) -> None:
    measure = replace(fold(PROPOSED), status=status)
    if status in {MeasureStatus.PROPOSED, MeasureStatus.APPROVED, MeasureStatus.IN_PLACE}:
        check_open(measure)
        return
    with pytest.raises(RefusedError, match="changes no more"):
        check_open(measure)


@pytest.mark.parametrize(
    ("changes", "says"), [({"text_zh": " "}, "both languages"), ({"meters": ()}, "scope")]
)  # fmt: skip
def test_a_measure_says_what_it_is_and_where(changes: dict[str, Any], says: str) -> None:
    definition = fold(PROPOSED).definition
    check_definition(definition)
    with pytest.raises(RefusedError, match=says):
        check_definition(replace(definition, **changes))


@given(st.lists(st.sampled_from(list(MeasureStatus)), max_size=12))
def test_no_way_leads_back(steps: list[MeasureStatus]) -> None:
    measure = fold(PROPOSED, MEASURED)
    seen = [measure.status]
    for step in steps:
        try:
            event = move_measure(measure, moved(step, start="2015-03-03"))
        except RefusedError:
            continue
        entry = StoredEvent(
            99, 0, "measure/ECM-104-01", measure.version + 1, "MeasureMoved", "a", event.payload(), GENESIS_HASH,
            GENESIS_HASH,
        )  # fmt: skip
        after = fold_measure(measure, entry)
        assert after is not None
        measure = after
        assert measure.status not in seen
        seen.append(measure.status)
