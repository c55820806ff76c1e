"""Load shedding as a state machine: which step is due, and what follows from the record.

Steps are taken one by one in the order of the plan and given back in exact reverse; there are never less than
``gap_s`` between two of them. Nothing is decided on an unknown forecast.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, cast

from cityhall_bms.domain.energy.shedding_events import (
    SheddingAnswered,
    SheddingBegun,
    SheddingEvent,
    SheddingProposed,
    SheddingSettled,
    SheddingTurned,
    SheddingWithdrawn,
)
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, StoredEvent

NEVER: Final = -(2**62)


class SheddingMode(StrEnum):
    """Who decides. Loads that are shed are given back in every mode."""

    OFF = "off"
    PROPOSE = "propose"
    AUTOMATIC = "automatic"


class ActionKind(StrEnum):
    """What an action does to its points."""

    SET = "set"
    """They hold a value."""
    RAISE = "raise"
    """They hold so much more than before, up to ``most``."""
    TURNS = "turns"
    """They hold the value in turns, one group after the other."""


@dataclass(frozen=True, slots=True)
class ShedAction:
    """What becomes of the points of some classes (Brick) and a role; ``value`` and ``most`` in the point's unit."""

    kind: ActionKind
    classes: tuple[str, ...]
    role: str
    value: float
    most: float | None = None
    groups: int = 2
    turn_s: float = 600.0


@dataclass(frozen=True, slots=True)
class ShedStep:
    """One step of the plan."""

    name: str
    text_zh: str
    text_en: str
    actions: tuple[ShedAction, ...]


class Split(StrEnum):
    """How current is shared out to charging stations."""

    FIFO = "fifo"
    """Those that came first get as much as they may; the last may get none."""
    EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class ChargingPlan:
    """Sharing of a feeder among charging stations (in automatic mode only)."""

    classes: tuple[str, ...] = ()
    status_role: str = "Status"
    limit_role: str = "LimitA"
    power_role: str = "kW"
    wanting: tuple[float, ...] = (1.0, 2.0, 3.0)
    """States in which a car wants current: Preparing, Charging, SuspendedEVSE (OCPP 1.6, 4.9)."""
    feeder_limit_a: float = 300.0
    """Per phase, of all stations together."""
    volts: float = 220.0
    phases: int = 1
    split: Split = Split.EQUAL
    least_a: float = 6.0
    """IEC 61851-1: a car gets 6 A per phase at least, or nothing; also what a silent station falls back to."""
    most_a: float = 32.0
    step_a: float = 6.0
    """A limit rises by so much at a time."""
    step_s: float = 10.0
    """And changes at most once in this time."""


@dataclass(frozen=True, slots=True)
class SheddingPlan:
    """``shedding.toml``: shares are those of what the contract allows (the building's rules for energy, *Demand*)."""

    mode: SheddingMode = SheddingMode.PROPOSE
    shed_at: float = 0.95
    restore_below: float = 0.90
    restore_windows: int = 2
    gap_s: float = 900.0
    answer_s: float = 900.0
    """So long a proposal waits for its answer."""
    steps: tuple[ShedStep, ...] = ()
    charging: ChargingPlan | None = None

    def step(self, name: str) -> ShedStep | None:
        """A step by its name; none if the plan has it no more."""
        return next((step for step in self.steps if step.name == name), None)


class Phase(StrEnum):
    """How far the step that is under way has come."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A step between its proposal and its outcome."""

    phase: Phase
    step: str
    restore: bool
    at: int
    by: str = ""
    orders: Mapping[str, float | None] = field(default_factory=dict)
    before: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shed:
    """A step that is taken: what its points hold, what they held, and whose turn it is."""

    step: str
    since: int
    done: tuple[str, ...]
    failed: Mapping[str, str]
    orders: Mapping[str, float | None]
    before: Mapping[str, float | None]
    turn: int = 0
    turned_at: int = 0


@dataclass(frozen=True, slots=True)
class SheddingState:
    """Where load shedding stands; the fold of its events."""

    taken: tuple[Shed, ...] = ()
    """In the order in which they were taken."""
    not_taken: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Steps that no point followed, and why; passed over until everything is given back."""
    under_way: UnderWay | None = None
    moved_at: int = NEVER
    """When a step was begun, or declined, last."""
    version: int = 0

    def shed(self, step: str) -> Shed | None:
        """The step as it is taken, or none."""
        return next((shed for shed in self.taken if shed.step == step), None)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a decision rests on: shares of the limit; NaN is unknown."""

    at: int
    share: float
    """Of the forecast of the running window."""
    closed: Sequence[tuple[int, float]]
    """Of the windows before, the latest last: begin (µs UTC) and share."""


@dataclass(frozen=True, slots=True)
class Move:
    """The step that is due, and which way."""

    step: str
    restore: bool


def due(plan: SheddingPlan, state: SheddingState, sight: Sight, usable: Iterable[str]) -> Move | None:
    """Next step, or none; ``usable`` are steps that have points at this site. While one is under way none is due."""
    if state.under_way is not None or sight.at - state.moved_at < plan.gap_s * 1e6:
        return None
    if is_calm(plan, state, sight):
        return Move(state.taken[-1].step, restore=True) if state.taken else None
    if plan.mode is SheddingMode.OFF or not sight.share >= plan.shed_at:
        return None
    free = set(usable) - {shed.step for shed in state.taken} - state.not_taken.keys()
    following = next((step.name for step in plan.steps if step.name in free), None)
    return None if following is None else Move(following, restore=False)


def is_calm(plan: SheddingPlan, state: SheddingState, sight: Sight) -> bool:
    """Whether enough windows since the last step ended below, and the running one will: all of them known."""
    since = state.taken[-1].since if state.taken else NEVER
    shares = [share for begin, share in sight.closed if begin >= since][-plan.restore_windows :]
    return len(shares) == plan.restore_windows and all(share < plan.restore_below for share in [sight.share, *shares])


def lapsed(plan: SheddingPlan, state: SheddingState, sight: Sight) -> SheddingWithdrawn | None:
    """Take a proposal back that nobody answered in time, or that is not due any more."""
    open_ = state.under_way
    if open_ is None or open_.phase is not Phase.PROPOSED:
        return None
    over = sight.share < plan.restore_below if not open_.restore else sight.share >= plan.shed_at
    if over or sight.at - open_.at >= plan.answer_s * 1e6:
        return SheddingWithdrawn(step=open_.step, restore=open_.restore, at=sight.at)
    return None


def answer(state: SheddingState, *, accepted: bool, by: str, reason: str, at: int) -> SheddingAnswered:
    """Answer of a person; ``RefusedError`` when nothing is proposed."""
    open_ = state.under_way
    if open_ is None or open_.phase is not Phase.PROPOSED:
        msg = "目前沒有待決的卸載建議 / nothing is proposed that could be answered"
        raise RefusedError(msg)
    return SheddingAnswered(step=open_.step, restore=open_.restore, at=at, accepted=accepted, by=by, reason=reason)


def turn_due(plan: SheddingPlan, shed: Shed, at: int) -> bool:
    """Whether the next group of a step in turns is to rest."""
    step = plan.step(shed.step)
    turns = [action for action in step.actions if action.kind is ActionKind.TURNS] if step is not None else []
    return any(at - max(shed.turned_at, shed.since) >= action.turn_s * 1e6 for action in turns)


def fold(state: SheddingState, entries: Iterable[StoredEvent]) -> SheddingState:
    """State after further entries of the stream, in order; what cannot follow changes nothing but the version."""
    for entry in entries:
        if entry.version <= state.version:
            continue
        known = EVENT_TYPES.get(entry.type)
        if known is not None and issubclass(known, SheddingEvent):
            state = evolve(state, cast("SheddingEvent", entry.event()))
        state = replace(state, version=entry.version)
    return state


def evolve(state: SheddingState, event: SheddingEvent) -> SheddingState:
    """State after one event; one that has no place in it changes nothing."""
    if isinstance(event, SheddingTurned):
        return replace(state, taken=tuple(_turned(shed, event) for shed in state.taken))
    open_ = state.under_way
    phase = None if open_ is None else open_.phase
    match event:
        case SheddingProposed() if phase is None:
            state = replace(state, under_way=UnderWay(Phase.PROPOSED, event.step, event.restore, event.at))
        case SheddingAnswered(accepted=True) if open_ is not None and phase is Phase.PROPOSED:
            state = replace(state, under_way=replace(open_, phase=Phase.ACCEPTED, by=event.by))
        case SheddingAnswered() if phase is Phase.PROPOSED:
            state = replace(state, under_way=None, moved_at=event.at)
        case SheddingWithdrawn() if phase is Phase.PROPOSED:
            state = replace(state, under_way=None)
        case SheddingBegun() if phase in {None, Phase.ACCEPTED}:
            what = (event.by, dict(event.orders), dict(event.before))
            begun = UnderWay(Phase.BEGUN, event.step, event.restore, event.at, *what)
            state = replace(state, under_way=begun, moved_at=event.at)
        case SheddingSettled() if open_ is not None and phase is Phase.BEGUN:
            state = _settled(replace(state, under_way=None), open_, event)
    return state


def _settled(state: SheddingState, open_: UnderWay, event: SheddingSettled) -> SheddingState:
    if not open_.restore:
        if not event.done:
            return replace(state, not_taken={**state.not_taken, open_.step: dict(event.failed)})
        shed = Shed(
            open_.step, open_.at, tuple(event.done), dict(event.failed), dict(open_.orders), dict(open_.before)
        )  # fmt: skip
        return replace(state, taken=(*state.taken, shed))
    last = state.taken[-1] if state.taken else None
    if last is None or last.step != open_.step or event.failed:
        # What could not be given back is tried again, before anything that was shed earlier.
        return state
    taken = state.taken[:-1]
    return replace(state, taken=taken, not_taken=state.not_taken if taken else {})


def _turned(shed: Shed, event: SheddingTurned) -> Shed:
    if shed.step != event.step:
        return shed
    done = tuple(dict.fromkeys((*shed.done, *event.orders)))
    before = {**shed.before, **event.before}
    return replace(shed, turn=event.turn, turned_at=event.at, orders=dict(event.orders), before=before, done=done)
