"""Properties of a plan's groups, whatever it learns."""

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bacnet_device import bacnet_point

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Answer, Object
from cityhall_drivers.bacnet.open_questions import OPEN_MAX, OpenQuestions
from cityhall_drivers.bacnet.plan import BacnetPlan

lessons = st.lists(st.tuples(st.sampled_from(["cut", "halve", "ask_last"]), st.integers(1, 30)), max_size=12)


def scanned(plan: BacnetPlan, answered: dict[Object, Answer], at: int) -> Readings:
    """A scan in which these objects answered, each in a request of its own."""
    plan.cut(1)
    scan = plan.begin()
    for group in plan.groups:
        if group.objects[0] in answered:
            scan.put(group, group.same(answered[group.objects[0]]))
    return plan.readings(scan, at)


@given(st.lists(st.integers(1, 80), max_size=120), st.integers(1, 60), lessons)
def test_every_object_is_asked_for_exactly_once_whatever_was_learnt(
    instances: list[int], size_max: int, learnt: list[tuple[str, int]]
) -> None:
    bound = [BoundPoint(at, bacnet_point(f"analog-input,{number}")) for at, number in enumerate(instances)]
    plan = BacnetPlan(bound, size_max)
    limit = size_max
    for lesson, number in learnt:
        if lesson == "cut":
            plan.cut(number)
            limit = min(limit, number)
        elif plan.groups:
            getattr(plan, lesson)(plan.groups[number % len(plan.groups)])
    asked = [target for group in plan.groups for target in group.objects]
    assert sorted(asked) == sorted({Object(0, number) for number in instances})
    assert all(1 <= len(group.objects) <= limit for group in plan.groups)
    assert plan.requests == len(plan.groups)


@given(st.lists(st.integers(1, 40), max_size=60), st.sets(st.integers(1, 40)))
def test_every_point_gets_the_value_of_its_own_object(instances: list[int], answered: set[int]) -> None:
    bound = [
        BoundPoint(at, bacnet_point(f"analog-input,{number}", scale=2.0, offset=1.0))
        for at, number in enumerate(instances)
    ]
    readings = scanned(BacnetPlan(bound, 20), {Object(0, one): (one / 2, Quality.GOOD) for one in answered}, at=7)
    assert readings.point.tolist() == list(range(len(instances)))
    assert set(readings.observed_at.tolist()) <= {7}
    for number, value, quality in zip(instances, readings.value, readings.quality, strict=True):
        if number in answered:
            assert (value, quality) == (number + 1.0, Quality.GOOD)
        else:
            assert np.isnan(value)
            assert quality == Quality.BAD_TIMEOUT


def test_a_value_too_large_after_scaling_is_bad() -> None:
    plan = BacnetPlan([BoundPoint(1, bacnet_point("analog-input,1", scale=1e300))], 20)
    readings = scanned(plan, {Object(0, 1): (1e30, Quality.UNCERTAIN_OVERRIDDEN)}, at=1)
    assert np.isnan(readings.value[0])
    assert readings.quality.tolist() == [Quality.BAD_DECODE]


async def test_open_questions_are_let_go_when_their_time_is_over() -> None:
    questions = OpenQuestions()
    futures = [asyncio.get_running_loop().create_future() for _ in range(OPEN_MAX)]
    for future in futures:
        questions.add(future, until_s=10.0)
    assert questions.is_full(9.0)
    assert not any(future.cancelled() for future in futures)
    assert not questions.is_full(10.0)
    assert all(future.cancelled() for future in futures)
