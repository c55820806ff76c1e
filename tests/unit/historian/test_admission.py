"""Which batches are new: every delivery order, every repetition."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.batches import batch

from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.historian.admission import Gap, Run, admit

runs = st.sampled_from([("a", 1), ("a", 2), ("b", 1)])
deliveries = st.lists(st.lists(st.tuples(runs, st.integers(1, 12)), max_size=8), max_size=12)


def of(run: Run, sequence: int) -> SampleBatch:
    return batch(sequence, source=run[0], epoch=run[1], samples=1)


@given(deliveries)
def test_each_batch_is_admitted_once_and_the_gaps_are_what_is_missing(
    deliveries: list[list[tuple[Run, int]]],
) -> None:
    known: dict[Run, int] = {}
    gaps: frozenset[Gap] = frozenset()
    admitted: list[tuple[Run, int]] = []
    first: dict[Run, int] = {}
    for delivery in deliveries:
        result = admit(known, gaps, [of(run, sequence) for run, sequence in delivery])
        for item in result.batches:
            run = (item.source, item.epoch)
            first.setdefault(run, 1 if any(source == run[0] for source, _ in known) else item.sequence)
            admitted.append((run, item.sequence))
        known |= result.sequences
        gaps = result.gaps
    assert len(admitted) == len(set(admitted))
    missing = {((gap.source, gap.epoch), number) for gap in gaps for number in range(gap.first, gap.last + 1)}
    for run, newest in known.items():
        expected = {(run, number) for number in range(min(first[run], newest), newest + 1)}
        assert {item for item in admitted if item[0] == run} | {item for item in missing if item[0] == run} == expected
    offered = {item for delivery in deliveries for item in delivery}
    assert not missing & offered, "a gap hides a batch that was delivered"


def test_a_history_may_begin_in_the_middle_of_a_run() -> None:
    result = admit({}, [], [of(("a", 1), 500)])
    assert (result.sequences, result.gaps) == ({("a", 1): 500}, frozenset())


def test_a_new_run_of_a_known_source_begins_with_its_first_batch() -> None:
    result = admit({("a", 1): 9}, [], [of(("a", 2), 4)])
    assert result.gaps == {Gap("a", 2, 1, 3)}
