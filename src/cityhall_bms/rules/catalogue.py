"""The rules that are in force at a site, what each is bound to, and what each says of it now."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from cityhall_bms.domain.rule_book import RuleRecord
from cityhall_bms.domain.site import Site
from cityhall_bms.rules.binding import BoundRule, Unbound, bind
from cityhall_bms.rules.book import taking_effect
from cityhall_bms.rules.checkpoint import CheckpointCodec, CheckpointFormatError
from cityhall_bms.rules.engine import Answer, Engine, EngineState
from cityhall_bms.rules.model import ConditionRule, Rule
from cityhall_bms.rules.point_limits import PointLimit


@dataclass(frozen=True, slots=True)
class Standing:
    """What a rule says of one subject, as of the engine's latest checkpoint (µs UTC)."""

    subject: str
    equipment: str
    answer: Answer
    active: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule that is in force. ``standing`` has a row for each subject; all unknown while no engine has said."""

    rule: Rule
    standing: tuple[Standing, ...]
    unbound: tuple[Unbound, ...]
    limits: tuple[PointLimit, ...]
    parked: bool

    @property
    def is_conditional(self) -> bool:
        """Whether it has a prerequisite."""
        return isinstance(self.rule, ConditionRule) and self.rule.when is not None

    def watches(self, subject: int) -> bool:
        """Tell whether a subject is judged now: the rule runs, and its prerequisite is known to hold."""
        judged = self.standing[subject].answer in {Answer.TRUE, Answer.FALSE}
        return not self.parked and (judged or not self.is_conditional)


class Catalogue:
    """Binds the rules in force anew when they change; ``described`` are those of the files."""

    def __init__(self, site: Site, ids: Mapping[str, int], described: Mapping[str, Rule]) -> None:
        self._site = site
        self._ids = ids
        self.described = described
        self._position = -1
        self._rules: list[Rule] = []
        self._engine = Engine(bind([], site, ids))

    def entries(self, records: Mapping[str, RuleRecord], checkpoint: bytes | None) -> dict[str, Entry]:
        """Rules in force by id, with what an engine's checkpoint says of them."""
        position = max((record.position for record in records.values()), default=0)
        if position != self._position:
            self._rules = taking_effect(self.described, records)
            self._engine = Engine(bind(self._rules, self._site, self._ids))
            self._position = position
        state = _state(self._engine, checkpoint)
        bound = {item.rule.id: item for item in self._engine.binding.rules}
        unbound = self._engine.binding.unbound
        return {
            rule.id: Entry(
                rule=rule,
                standing=_standing(bound[rule.id], state) if rule.id in bound else (),
                unbound=tuple(item for item in unbound if item.rule == rule.id),
                limits=bound[rule.id].limits if rule.id in bound else (),
                parked=rule.id in state.parked,
            )
            for rule in sorted(self._rules, key=lambda rule: rule.id)
        }


def _state(engine: Engine, checkpoint: bytes | None) -> EngineState:
    if checkpoint is not None:
        # One of another version of the service says nothing: its engine has not written a new one yet.
        with suppress(CheckpointFormatError):
            return CheckpointCodec(engine).decode(checkpoint).state
    return engine.start()


def _standing(bound: BoundRule, state: EngineState) -> tuple[Standing, ...]:
    return tuple(
        Standing(subject.name, subject.equipment, Answer(state.answer[row]), bool(state.active[row]))
        for row, subject in enumerate(bound.subjects, start=bound.start)
    )
