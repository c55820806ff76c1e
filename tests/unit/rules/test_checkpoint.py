"""What the engine remembers survives as bytes, and outlives a change of rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rule_trial import UNIT, Trial, rule

from cityhall_bms.rules.checkpoint import CheckpointCodec, CheckpointFormatError

VALUES = {"T": 31.0, "U": 1.0, "Run": 1.0, "V": 0.0}
UNITS = {"U": "", "V": "", "Run": ""}
A = rule(id="A", condition="T > 30 °C", on_delay_s=100, when="for(Run == 1, 5 s)")
B = rule(id="B", each=["V", "U"], condition="POINT == 1")
C = rule(id="C", kind="stale")


def played(*rules: object) -> Trial:
    trial = Trial(*rules, values=VALUES, units=UNITS)  # type: ignore[arg-type]
    trial.run(30)
    return trial


def test_a_state_is_restored_as_it_was() -> None:
    trial = played(A, B, C)
    codec = CheckpointCodec(trial.engine)
    remembered = codec.decode(codec.encode(trial.state, trial.columns()))
    for name in ("active", "held", "leaning", "answer", "good_at"):
        assert getattr(remembered.state, name).tolist() == getattr(trial.state, name).tolist(), name
    assert remembered.state.memory["A"][0].columns[0].tolist() == [29_000_000]
    assert remembered.state.memory["A"][0].columns[0].tolist() == trial.state.memory["A"][0].columns[0].tolist()
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
    assert state.memory["A"][0].columns[0].tolist() == before.state.memory["A"][0].columns[0].tolist()
    assert (state.good_at >= before.state.at - 1).all()


@pytest.mark.parametrize("change", [{"version": 2}, {"when": None}, {"condition": "T > 29 °C"}])
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


def test_another_text_for_people_starts_no_timer_again() -> None:
    before, after = played(A), played(A.model_copy(update={"text_en": "Too warm"}))
    data = CheckpointCodec(before.engine).encode(before.state, before.columns())
    assert CheckpointCodec(after.engine).decode(data).state.held.tolist() == before.state.held.tolist() != [0]


def test_what_an_expression_remembers_outlives_a_change_of_the_rest() -> None:
    before = played(A)
    after = played(A.model_copy(update={"condition": "T > 20 °C", "version": 2}))
    data = CheckpointCodec(before.engine).encode(before.state, before.columns())
    kept = CheckpointCodec(after.engine).decode(data).state.memory["A"]
    assert [column.tolist() for column in kept[0].columns] == [
        column.tolist() for column in before.state.memory["A"][0].columns
    ]


def test_a_window_is_emptied_when_its_unit_changes() -> None:
    mean = rule(id="M", condition="avg(T, 1 min) > 30 °C")
    before = Trial(mean, values={"T": 31.0})
    before.run(60)
    data = CheckpointCodec(before.engine).encode(before.state, before.columns())
    other = Trial(rule(id="M", condition="avg(T, 1 min) > 30 kPa"), values={"T": 31.0}, units={"T": "kPa"})
    assert CheckpointCodec(other.engine).decode(data).state.memory["M"][0].numbers == (-1,)
    same = Trial(mean, values={"T": 31.0})
    assert CheckpointCodec(same.engine).decode(data).state.memory["M"][0].numbers != (-1,)


def test_severity_steps_stand_as_they_stood() -> None:
    stepped = rule(id="S", condition="T > 30 °C", step=[{"priority": 1, "condition": "T > 31 °C"}])
    before = played(stepped, B)
    data = CheckpointCodec(before.engine).encode(before.state, before.columns())
    state = CheckpointCodec(played(B, stepped).engine).decode(data).state
    assert state.active.tolist() == [False, True, True, False]


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
    trial = Trial(A, B, C, values=VALUES | {f"P{number}": np.pi * number for number in range(5000)}, units=UNITS)
    codec = CheckpointCodec(trial.engine)
    trial.run(2)
    assert len(codec.encode(trial.state, trial.columns())) < 200_000
