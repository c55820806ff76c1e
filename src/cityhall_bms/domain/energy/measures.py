"""Energy conservation measures: what was promised, what was measured, and who stands for it.

The options are those of IPMVP (Core Concepts 2022, chapter 6): A retrofit isolation with the key parameter measured, B
with all parameters measured, C the whole facility, D a calibrated simulation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.shown import whole_ntd
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored

MEASURE_STREAMS: Final = "measure/"
"""What the stream of every measure starts with; reads them all."""


class IpmvpOption(StrEnum):
    """How savings are determined."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class MeasureStatus(StrEnum):
    """Where a measure stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    IN_PLACE = "in_place"
    VERIFIED = "verified"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


FOLLOWING: Final[Mapping[MeasureStatus, frozenset[MeasureStatus]]] = {
    MeasureStatus.PROPOSED: frozenset({MeasureStatus.APPROVED, MeasureStatus.WITHDRAWN}),
    MeasureStatus.APPROVED: frozenset({MeasureStatus.IN_PLACE, MeasureStatus.WITHDRAWN}),
    MeasureStatus.IN_PLACE: frozenset({MeasureStatus.VERIFIED, MeasureStatus.WITHDRAWN}),
    MeasureStatus.VERIFIED: frozenset({MeasureStatus.CLOSED, MeasureStatus.WITHDRAWN}),
    MeasureStatus.CLOSED: frozenset(),
    MeasureStatus.WITHDRAWN: frozenset(),
}
"""What may follow what. What is verified stands as it is: it is revised and measured no more."""


@stored
@dataclass(frozen=True, slots=True)
class MeasureProposed(Event):
    """Somebody proposed a measure. ``deemed`` is its saving a year in the commodity's unit; times are µs UTC."""

    measure: str
    text_zh: str
    text_en: str
    commodity: str
    option: str
    meters: list[str]
    equipment: list[str]
    deemed: float
    price_ntd: str
    """NT$ per unit, as a decimal; empty where it is not known."""
    cost_ntd: float | None
    baseline: str
    """Identity of the baseline by which savings are calculated; empty without one."""
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class MeasureRevised(Event):
    """What a measure is was said anew; its fields are those of the proposal."""

    text_zh: str
    text_en: str
    commodity: str
    option: str
    meters: list[str]
    equipment: list[str]
    deemed: float
    price_ntd: str
    cost_ntd: float | None
    baseline: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class MeasureMoved(Event):
    """A measure came to another status. ``start`` is the first day (ISO) on which it is in place."""

    status: str
    by: str
    at: int
    start: str = ""
    comment: str = ""


@stored
@dataclass(frozen=True, slots=True)
class MeasureMeasured(Event):
    """Its saving was measured: ``saved`` a year in the commodity's unit. Days are ISO, ``until`` excluded."""

    saved: float
    method: str
    before_first: str
    before_until: str
    after_first: str
    after_until: str
    by: str
    at: int
    uncertainty: float | None = None
    """Half width of the interval of ``saved``, in its unit; none where nobody knows."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a measure is."""

    text_zh: str
    text_en: str
    commodity: Commodity
    option: IpmvpOption
    meters: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    deemed: float = 0.0
    price_ntd: Decimal | None = None
    cost_ntd: float | None = None
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, as :class:`MeasureMeasured` has it."""

    saved: float
    method: str
    before: tuple[str, str]
    after: tuple[str, str]
    uncertainty: float | None = None
    note: str = ""
    by: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure as it stands; the fold of its events."""

    measure: str
    definition: Definition
    status: MeasureStatus
    proposed_by: str
    proposed_at: int
    changed_by: str
    changed_at: int
    start: str = ""
    verified_by: str = ""
    comment: str = ""
    measurement: Measurement | None = None
    version: int = 1
    position: int = 0

    @property
    def saving(self) -> float:
        """Saving a year in the commodity's unit: as measured, else as deemed."""
        return self.definition.deemed if self.measurement is None else self.measurement.saved

    @property
    def money_ntd(self) -> int | None:
        """Saving a year in whole NT$; none where the price is not known."""
        return saved_ntd(self.saving, self.definition.price_ntd)

    @property
    def payback_years(self) -> float | None:
        """Simple payback: cost over the money saved a year."""
        money, cost = self.money_ntd, self.definition.cost_ntd
        return cost / money if money and money > 0 and cost is not None else None


def saved_ntd(saving: float, price_ntd: Decimal | None) -> int | None:
    """Money of an amount by its price, whole NT$, fractions dropped; the price is used with all its decimals."""
    return None if price_ntd is None else whole_ntd(Decimal(repr(saving)) * price_ntd)


def measure_stream(measure: str) -> str:
    """Event stream of one measure."""
    return f"{MEASURE_STREAMS}{measure}"


def fold_measure(measure: Measure | None, entry: StoredEvent) -> Measure | None:
    """Measure after one entry of its stream; what cannot follow, or is of a newer version, changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    if measure is None:
        return _proposed(event, entry) if isinstance(event, MeasureProposed) else None
    match event:
        case MeasureRevised():
            after = replace(measure, definition=_definition(event))
        case MeasureMoved():
            after = _moved(measure, event)
        case MeasureMeasured():
            after = replace(measure, measurement=_measurement(event))
        case _:
            return measure
    return replace(
        after, changed_by=event.by, changed_at=event.at, version=entry.version, position=entry.position
    )  # fmt: skip


def check_definition(definition: Definition) -> None:
    """Refuse a definition that says nothing: without a text, or a scope."""
    if not (definition.text_zh.strip() and definition.text_en.strip()):
        msg = "措施需有中英文名稱 / a measure needs a text in both languages"
        raise RefusedError(msg)
    if not (definition.meters or definition.equipment):
        msg = "措施需有範圍：計量表或設備 / a measure needs a scope: meters or equipment"
        raise RefusedError(msg)


def check_open(measure: Measure) -> None:
    """Refuse changes of a measure that is verified, closed or withdrawn."""
    if measure.status in {MeasureStatus.VERIFIED, MeasureStatus.CLOSED, MeasureStatus.WITHDRAWN}:
        msg = f"措施 {measure.measure} 已定案 / measure {measure.measure} is {measure.status} and changes no more"
        raise RefusedError(msg)


def check_measurement(measurement: Measurement) -> None:
    """Refuse periods that end before they begin, or of which the one before the measure is not the earlier."""
    (first, until), (begin, end) = measurement.before, measurement.after
    if not first < until <= begin < end:
        msg = "量測期間應為前後兩段，先前後後 / the days before begin, end, and come before those after"
        raise RefusedError(msg)


def move_measure(measure: Measure, event: MeasureMoved) -> MeasureMoved:
    """Decide another status; refused where it cannot follow, and where what it rests on is missing."""
    wanted = MeasureStatus(event.status)
    following = FOLLOWING[measure.status]
    if wanted not in following:
        could = ", ".join(sorted(following)) or "-"
        msg = (
            f"措施 {measure.measure} 目前為 {measure.status}，不能改為 {wanted} / "
            f"measure {measure.measure} is {measure.status}: it can become {could}"
        )
        raise RefusedError(msg)
    if wanted is MeasureStatus.IN_PLACE and not event.start:
        msg = "請填啟用日 / say from which day on it is in place (start)"
        raise RefusedError(msg)
    if wanted is MeasureStatus.VERIFIED and measure.measurement is None:
        msg = "尚無量測值，無法驗證 / nothing was measured yet: record a measurement first"
        raise RefusedError(msg)
    return event


def _proposed(event: MeasureProposed, entry: StoredEvent) -> Measure:
    return Measure(
        measure=event.measure,
        definition=_definition(event),
        status=MeasureStatus.PROPOSED,
        proposed_by=event.by,
        proposed_at=event.at,
        changed_by=event.by,
        changed_at=event.at,
        version=entry.version,
        position=entry.position,
    )


def _definition(event: MeasureProposed | MeasureRevised) -> Definition:
    return Definition(
        text_zh=event.text_zh,
        text_en=event.text_en,
        commodity=Commodity(event.commodity),
        option=IpmvpOption(event.option),
        meters=tuple(event.meters),
        equipment=tuple(event.equipment),
        deemed=event.deemed,
        price_ntd=Decimal(event.price_ntd) if event.price_ntd else None,
        cost_ntd=event.cost_ntd,
        baseline=event.baseline,
    )


def _moved(measure: Measure, event: MeasureMoved) -> Measure:
    status = MeasureStatus(event.status)
    return replace(
        measure,
        status=status,
        start=event.start or measure.start,
        verified_by=event.by if status is MeasureStatus.VERIFIED else measure.verified_by,
        comment=event.comment,
    )


def _measurement(event: MeasureMeasured) -> Measurement:
    before, after = (event.before_first, event.before_until), (event.after_first, event.after_until)
    return Measurement(event.saved, event.method, before, after, event.uncertainty, event.note, event.by, event.at)
