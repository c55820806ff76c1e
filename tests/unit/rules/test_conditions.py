"""Rules of the language in the engine: limits, prerequisites, severity steps, mistakes in files, restarts."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.rule_trial import UNIT, Trial, rule

from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.rules.checkpoint import CheckpointCodec, overruled
from cityhall_bms.rules.engine import Answer, Engine
from cityhall_bms.rules.files import RuleFile, read_rules

WARM = {"condition": "T > 30 °C", "deadband": "2 K"}


def kinds(trial: Trial) -> list[tuple[str, int]]:
    return [(str(item.kind), item.priority) for item in trial.proposals]


class TestLimits:
    def test_an_alarm_ends_a_deadband_below_where_it_began(self) -> None:
        trial = Trial(rule(**WARM), values={"T": 29.0})
        for value, expected in ((30.0, []), (30.1, ["raised"]), (29.0, []), (28.1, []), (28.0, ["returned"])):
            assert [what for _, _, what in trial.set(T=value).run(1)] == expected, value

    @pytest.mark.parametrize(
        ("condition", "begins", "stays", "ends"),
        [
            ("abs(T - S) > 5 K", 26.0, 24.0, 23.0),
            ("not T <= 30 °C", 31.0, 28.5, 28.0),
            ("30 °C < T", 31.0, 28.5, 28.0),
            ("T < 10 °C", 9.0, 11.5, 12.0),
            ("T > 30 °C or T < 10 °C", 31.0, 29.0, 20.0),
            ("T > S + 5 K", 26.0, 24.0, 23.0),
        ],
    )
    def test_every_comparison_of_an_order_yields(
        self, condition: str, begins: float, stays: float, ends: float
    ) -> None:
        trial = Trial(rule(condition=condition, deadband="2 K"), values={"T": 20.0, "S": 20.0})
        trial.run(1)
        assert [what for _, _, what in trial.set(T=begins).run(1)] == ["raised"]
        assert trial.set(T=stays).run(1) == []
        assert [what for _, _, what in trial.set(T=ends).run(1)] == ["returned"]

    def test_the_figures_are_those_of_the_comparison_that_decided(self) -> None:
        condition = "Run == 1 and (T > 30 °C or T < S - 5 K)"
        trial = Trial(rule(condition=condition), values={"T": 10.0, "S": 20.0, "Run": 1.0}, units={"Run": ""})
        trial.run(1)
        (raised,) = trial.proposals
        assert (raised.value, raised.limit, raised.subject.unit) == (10.0, 15.0, "°C")
        assert raised.subject.point == f"{UNIT}.Run"

    def test_a_limit_of_another_kind_than_the_figure_is_left_out(self) -> None:
        trial = Trial(rule(condition="abs(T - S) > 5 K", value="T"), values={"T": 30.0, "S": 20.0})
        trial.run(1)
        assert [(item.value, item.limit, item.subject.unit) for item in trial.proposals] == [(30.0, None, "°C")]

    def test_a_state_has_no_limit_and_a_command_is_one(self) -> None:
        state, command = rule(id="A", condition="T in (1, 2)"), rule(id="B", condition="T != S")
        trial = Trial(state, command, values={"T": 2.0, "S": 0.0}, units={"T": "", "S": ""})
        trial.run(1)
        assert {item.rule.id: (item.value, item.limit) for item in trial.proposals} == {
            "A": (2.0, None),
            "B": (2.0, 0.0),
        }


class TestPrerequisites:
    def test_pain_36_a_unit_that_is_off_or_starting_is_not_applicable(self) -> None:
        asked = rule(condition="T > 30 °C", when="for(Run == 1, 10 s)", on_delay_s=5)
        trial = Trial(asked, values={"T": 40.0, "Run": 0.0}, units={"Run": ""})
        assert trial.run(60) == []
        assert trial.state.answer.tolist() == [Answer.NOT_APPLICABLE]
        assert trial.set(Run=1).run(30) == [(16.0, "R", "raised")]
        assert [what for _, _, what in trial.set(Run=0).run(1)] == ["returned"]

    def test_one_that_nobody_knows_holds_everything(self) -> None:
        asked = rule(condition="T > 30 °C", when="Run == 1")
        trial = Trial(asked, values={"T": 40.0, "Run": 1.0}, units={"Run": ""})
        trial.run(1)
        trial.set(T=20).spoil(Quality.BAD_TIMEOUT, "Run")
        assert trial.run(5) == []
        assert trial.state.answer.tolist() == [Answer.UNKNOWN]


class TestSeveritySteps:
    STEPS = rule(
        condition="T > 30 °C", deadband="1 K", priority=3, on_delay_s=5,
        step=[{"priority": 2, "condition": "T > 35 °C", "on_delay_s": 2}, {"priority": 1, "condition": "T > 40 °C"}],
    )  # fmt: skip

    def test_pain_34_one_alarm_changes_its_priority_and_ends_once(self) -> None:
        trial = Trial(self.STEPS, values={"T": 31.0})
        for value, seconds in ((31, 10), (36, 10), (41, 10), (36, 1), (34.5, 1), (34, 1), (20, 1)):
            trial.set(T=value).run(seconds)
        assert kinds(trial) == [
            ("raised", 3),
            ("changed", 2),
            ("changed", 1),
            ("changed", 2),
            ("changed", 3),
            ("returned", 3),
        ]
        assert [item.limit for item in trial.proposals] == [30.0, 35.0, 40.0, 35.0, 30.0, 30.0]

    def test_it_begins_at_the_priority_whose_delay_is_over_first(self) -> None:
        trial = Trial(self.STEPS, values={"T": 36.0})
        assert trial.run(4) == [(3.0, "R", "raised")]
        assert kinds(trial) == [("raised", 2)]
        trial.run(10)
        # The milder condition follows; the alarm stays what it is.
        assert kinds(trial) == [("raised", 2)]

    def test_the_event_log_overrules_what_stands(self) -> None:
        trial = Trial(self.STEPS, values={"T": 36.0})
        trial.run(10)
        name = f"R~{UNIT}"
        assert overruled(trial.state, trial.binding, {name: 2}).active.tolist() == [True, True, False]
        assert overruled(trial.state, trial.binding, {name: 3}).active.tolist() == [True, False, False]
        assert not overruled(trial.state, trial.binding, {}).active.any()
        quiet = Trial(self.STEPS, values={"T": 20.0})
        assert overruled(quiet.state, quiet.binding, {name: 3}).active.tolist() == [True, False, False]

    def test_an_alarm_of_which_only_the_log_knows_how_severe_it_is_lowers_and_ends_like_any_other(self) -> None:
        trial = Trial(self.STEPS, values={"T": 36.0})
        trial.state = overruled(trial.state, trial.binding, {f"R~{UNIT}": 1})
        trial.run(10)
        assert kinds(trial) == [("changed", 2)]
        trial.set(T=20.0).run(10)
        assert kinds(trial)[-1] == ("returned", 2)


def test_a_rule_that_the_language_no_longer_knows_is_named_and_stops_no_other() -> None:
    trial = Trial(rule(id="OLD", condition="T above 30 °C"), rule(condition="T > 30 °C"), values={"T": 31.0})
    assert [problem.message for problem in trial.binding.problems] == ["column 3: 'above' is not expected here"]
    assert [(item.rule, item.equipment) for item in trial.binding.unbound] == [("OLD", UNIT)]
    assert trial.run(1) == [(1.0, "R", "raised")]


class TestFiles:
    def read(self, **keys: Any) -> str:
        table = {
            "id": "X",
            "equipment_class": "Unit",
            "priority": 3,
            "text_zh": "x",
            "text_en": "x",
            "source": "t",
        } | keys
        with pytest.raises(SiteError) as caught:
            read_rules([RuleFile("own.toml", {"rule": [table]}, len)])
        (problem,) = caught.value.problems
        return str(problem)

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ({"condition": "T >"}, "own.toml:3: rule X, condition: column 4: the expression ends here"),
            ({"condition": "T > 1", "when": "Run"}, "own.toml:3: rule X, when: column 1: this is a number"),
            (
                {"condition": "T > x", "let": {"x": "1 +"}},
                "own.toml:4: rule X, let.x: column 4: the expression ends here",
            ),
            (
                {"condition": "T > x", "parameters": {"x": "T"}},
                "own.toml:4: rule X, parameters.x: column 1: this is no constant",
            ),
            (
                {"condition": "T > 1", "step": [{"priority": 1, "condition": "T"}]},
                "own.toml:5: rule X, step.0.condition: column 1",
            ),
            (
                {"condition": "Run == 1", "deadband": "1 K"},
                "own.toml:3: rule X, deadband: column 1: nothing of K is compared",
            ),
            ({"condition": "mode(OS) == off"}, "own.toml:3: rule X, condition: column 6: 'OS' is no operating mode"),
            (
                {"condition": "T > 1", "parameters": {"x": "2 K"}},
                "own.toml:4: rule X, parameters.x: column 1: no expression says it",
            ),
            ({"condition": "T > 1", "let": {"x": "T"}}, "own.toml:4: rule X, let.x: column 1: no expression says it"),
            ({"condition": "T > 1", "each": ["T"]}, "own.toml:3: rule X, each: column 1: no expression says POINT"),
            (
                {"condition": "T > 1", "conditon": "x"},
                "own.toml:3: rule X, conditon: unknown key 'conditon' -> did you mean 'condition'?",
            ),
            ({}, "own.toml:3: rule X, condition: is missing"),
        ],
    )
    def test_a_mistake_is_named_with_file_line_rule_key_and_column(self, keys: dict[str, Any], expected: str) -> None:
        assert self.read(**keys).startswith(expected)

    def test_a_mode_is_of_its_class(self) -> None:
        mode = {"id": "OS", "equipment_class": "Fan", "state": [{"name": "off", "when": "Run == 0"}]}
        told = self.read(condition="mode(OS) == off", modes=[mode])
        assert told == "own.toml:3: rule X, equipment_class: column 1: mode OS is for Fan -> ask for another mode"

    def test_a_mode_becomes_part_of_the_rule_that_asks_for_it(self) -> None:
        text = """
        [[mode]]
        id = "OS"
        equipment_class = "Unit"
        [[mode.state]]
        name = "off"
        when = "Run == 0"
        [[rule]]
        id = "X"
        equipment_class = "Unit"
        condition = "mode(OS) == off"
        priority = 3
        text_zh = "x"
        text_en = "x"
        source = "test"
        """
        (found,) = read_rules([RuleFile("own.toml", tomllib.loads(text))])
        trial = Trial(found, values={"Run": 0.0}, units={"Run": ""})
        assert trial.run(1) == [(1.0, "X", "raised")]


WATCHED = (
    rule(id="A", condition="avg(T, 2 min) > 25 °C", deadband="1 K", on_delay_s=20, when="for(Run == 1, 30 s)"),
    rule(id="B", condition="count(T > 30 °C, 3 min) >= 2 or rate(T, 2 min) > 300 K/h", off_delay_s=10),
    rule(id="C", condition="since(Run == 1) > 40 s or previous(T) > 33 °C"),
    rule(id="D", condition="T > 28 °C", on_delay_s=15, step=[{"priority": 2, "condition": "reversals(T, 3 K, 3 min) > 2"}]),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    history=st.lists(
        st.tuples(st.sampled_from([18.0, 24.0, 29.0, 35.0]), st.sampled_from([0.0, 1.0, 1.0]), st.booleans(), st.integers(1, 40)),
        min_size=1, max_size=25,
    ),
    restarts=st.sets(st.integers(0, 25)),
)  # fmt: skip
def test_restarts_in_between_change_nothing(history: list[tuple[float, float, bool, int]], restarts: set[int]) -> None:
    runs = [Trial(*WATCHED, values={"T": 20.0, "Run": 0.0}, units={"Run": ""}) for _ in range(2)]
    for number, (value, running, good, seconds) in enumerate(history):
        for trial, restarted in zip(runs, (False, number in restarts), strict=True):
            if restarted:
                codec = CheckpointCodec(trial.engine)
                remembered = codec.decode(codec.encode(trial.state, trial.columns()))
                trial.state = (
                    CheckpointCodec(Engine(trial.binding)).decode(codec.encode(trial.state, trial.columns())).state
                )
                assert remembered.state.at == trial.state.at
            trial.set(T=value, Run=running)
            if not good:
                trial.spoil(Quality.BAD_TIMEOUT, "T")
            trial.run(seconds)
    first, second = (
        [(item.rule.id, item.kind, item.priority, item.observed_at, item.value) for item in trial.proposals]
        for trial in runs
    )
    assert first == second
