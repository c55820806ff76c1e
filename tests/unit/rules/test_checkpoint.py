"""What the engine remembers survives as bytes, and outlives a change of rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rule_trial import UNIT, Trial, rule

from cityhall_bms.rules.checkpoint import CheckpointCodec, CheckpointFormatError

VALUES = {"T": 31.0, "U": 1.0, "Run": 1.0}
A = rule(id="A", kind="limit", role="T", high=30.0, on_delay_s=100, when=[{"role": "Run", "equals": 1, "for_s": 5}])
B = rule(id="B", kind="state", role=["T", "U"], equals=1)
C = rule(id="C", kind="stale")


def played(*rules: object) -> Trial:
    trial = Trial(*rules, values=VALUES)  # type: ignore[arg-type]
    trial.run(30)
    return trial


def test_a_state_is_restored_as_it_was() -> None:
    trial = played(A, B, C)
    codec = CheckpointCodec(trial.engine)
    remembered = codec.decode(codec.encode(trial.state, trial.columns()))
    for name in ("active", "held", "leaning", "answer", "gate_held", "gate_met", "good_at"):
        assert getattr(remembered.state, name).tolist() == getattr(trial.state, name).tolist(), name
    assert remembered.state.at == trial.state.at
    assert remembered.active == {f"B~{UNIT}.U"}
    assert remembered.columns.value.tolist() == trial.columns().value.tolist()
    assert remembered.point.tolist() == trial.binding.point_ids.tolist()


def test_rows_find_their_place_when_rules_come_and_go() -> None:
    before, after = played(A, B), played(C, B, A)
    data = CheckpointCodec(before.engine).encode(before.state, before.columns())
    state = CheckpointCodec(after.engine).decode(data).state
    assert state.active.tolist() == [False, False, True, False]
    assert state.held.tolist() == [0, 0, 0, int(before.state.held[0])]
    assert state.gate_held.tolist() == before.state.gate_held.tolist()
    assert (state.good_at >= before.state.at - 1).all()


@pytest.mark.parametrize("change", [{"version": 2}, {"when": ()}])
def test_a_changed_rule_keeps_its_alarm_and_starts_its_timers_again(change: dict[str, object]) -> None:
    hot = A.model_copy(update={"on_delay_s": 3.0})
    before = played(hot)
    assert before.state.active.tolist() == [True]
    before.set(T=20).spoil(0x80, "T").run(2)  # type: ignore[arg-type]
    data = CheckpointCodec(before.engine).encode(before.state, before.columns())
    after = played(hot.model_copy(update=change))
    state = CheckpointCodec(after.engine).decode(data).state
    assert state.active.tolist() == [True]
    assert state.held.tolist() == [0]
    assert not state.gate_held.any()


def test_a_parked_rule_is_tried_again_in_a_new_version_only() -> None:
    trial = played(A)
    state = trial.engine.start()
    parked = type(state)(**{name: getattr(state, name) for name in state.__slots__} | {"parked": {"A": 1, "gone": 4}})
    data = CheckpointCodec(trial.engine).encode(parked, trial.columns())
    assert CheckpointCodec(trial.engine).decode(data).state.parked == {"A": 1}
    newer = played(A.model_copy(update={"version": 2}))
    assert CheckpointCodec(newer.engine).decode(data).state.parked == {}


@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_checkpoint_are_refused(data: bytes) -> None:
    with pytest.raises(CheckpointFormatError):
        CheckpointCodec(played(A).engine).decode(data)


@pytest.mark.parametrize("keep", [0, 1, 50, 0.5, 0.99])
def test_a_cut_checkpoint_is_refused(keep: float) -> None:
    trial = played(A, B)
    codec = CheckpointCodec(trial.engine)
    data = codec.encode(trial.state, trial.columns())
    with pytest.raises(CheckpointFormatError):
        codec.decode(data[: int(keep if keep >= 1 else keep * len(data))])


def test_a_checkpoint_of_a_whole_building_is_small() -> None:
    trial = Trial(A, B, C, values=VALUES | {f"P{number}": np.pi * number for number in range(5000)})
    codec = CheckpointCodec(trial.engine)
    trial.run(2)
    assert len(codec.encode(trial.state, trial.columns())) < 200_000
