"""Who holds a point whose device keeps no priorities."""

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.commanding.arbitration import arbitrate, is_same
from cityhall_bms.domain.commanding.control import Slot

PRIORITIES = [8, 12, 16]


def slots(**held: float) -> dict[int, Slot]:
    return {int(name[1:]): Slot(int(name[1:]), value, "c", "w", "operator", "r", 0) for name, value in held.items()}


def test_the_highest_priority_is_written_and_a_lower_one_waits() -> None:
    assert arbitrate({}, 16, 5.0, None).value == 5.0
    assert arbitrate(slots(p16=5.0), 8, 6.0, None).value == 6.0
    below = arbitrate(slots(p8=6.0), 12, 7.0, None)
    assert (below.value, below.holder) == (None, 8)


def test_giving_up_goes_to_the_next_then_to_the_fallback() -> None:
    both = slots(p8=6.0, p16=5.0)
    assert (arbitrate(both, 8, None, 1.0).value, arbitrate(both, 8, None, 1.0).holder) == (5.0, 16)
    assert (arbitrate(both, 16, None, 1.0).value, arbitrate(both, 16, None, 1.0).holder) == (None, 8)
    assert arbitrate(slots(p8=6.0), 8, None, 1.0).value == 1.0
    refused = arbitrate(slots(p8=6.0), 8, None, None).refusal
    assert refused is not None
    assert refused.code == "no-fallback"
    nothing = arbitrate({}, 8, None, 1.0).refusal
    assert nothing is not None
    assert nothing.code == "nothing-held"


wishes = st.tuples(st.sampled_from(PRIORITIES), st.one_of(st.none(), st.integers(0, 9).map(float)))


@given(st.lists(wishes, max_size=20))
def test_the_device_always_holds_the_value_of_the_highest_priority(wanted: list[tuple[int, float | None]]) -> None:
    """Against the plainest possible array: sixteen places, and the first that is not empty."""
    held: dict[int, Slot] = {}
    array: dict[int, float] = {}
    device = 0.0
    for priority, value in wanted:
        decided = arbitrate(held, priority, value, fallback=0.0)
        if decided.refusal is not None:
            assert value is None
            assert priority not in array
            continue
        if decided.value is not None:
            device = decided.value
        if value is None:
            held.pop(priority)
            array.pop(priority)
        else:
            held |= slots(**{f"p{priority}": value})
            array[priority] = value
        assert device == (array[min(array)] if array else 0.0)


def test_the_same_value_but_for_a_step_of_the_encoding() -> None:
    assert is_same(7.5, 7.5, 0.1)
    assert is_same(7.46, 7.5, 0.1)
    assert not is_same(7.4, 7.5, 0.1)
    assert not is_same(None, 7.5, 1.0)
    assert not is_same(float("nan"), 7.5, 1.0)
