"""Shapes of work orders, plans and documents of maintenance."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.services import ApiServices
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain.maintenance import book, orders
from cityhall_bms.domain.maintenance.documents import Attached
from cityhall_bms.domain.maintenance.order_decisions import URGENT, arrives_late
from cityhall_bms.domain.maintenance.orders import TRANSITIONS, WorkKind, WorkSource, WorkState, WorkStep
from cityhall_bms.ports.maintenance import RecordWish, RepairWish, StepWish

LOCK_OUT_S_MAX = 31 * 86_400.0

Line = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=200)]
Said = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=1000)]
Key = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9-]{7,63})?$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
What = Literal["before", "after", "paper"]
HAPPENED = "When it happened, up to 24 h ago: a phone without a network tells later. Null: now."
KEY = "The phone's own name for this submission: sent again with the same one, it changes nothing."


class GivenWorkDocument(BaseModel):
    """A file that was kept before, and what it shows."""

    model_config = ConfigDict(extra="forbid")

    sha256: Sha256
    name: Annotated[Line, Field(min_length=1)] = "photo"
    what: What = "paper"


class WorkDocument(Model):
    """A file. It is downloaded from `/energy/documents/{sha256}`."""

    sha256: str
    name: str = Field(examples=["photo.jpg"])
    media_type: str = Field(examples=["image/jpeg"])
    bytes: int
    what: str = Field(examples=["after"])

    @classmethod
    def of(cls, document: Attached) -> "WorkDocument":
        """Give the answer's form."""
        return cls(
            sha256=document.sha256,
            name=document.name,
            media_type=document.media_type,
            bytes=document.bytes,
            what=document.what,
        )


class NewWorkOrder(BaseModel):
    """Work that is asked for: about an alarm, about a task of a plan that is due, or as somebody says it.

    Name `alarm`, or `plan` with `equipment`, or `text` with `equipment` or `place` (and the `finding` it comes from).
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"text": "會議室漏水", "place": "03.E", "priority": 3}},
    )

    alarm: Line = ""
    plan: Line = ""
    equipment: Line = ""
    place: Annotated[Line, Field(description="Floor (`B1`) or zone of a floor (`B1.CN`).")] = ""
    text: Words = ""
    priority: Annotated[int, Field(ge=1, le=4)] = 3
    finding: Line = ""
    key: Annotated[Key, Field(description=KEY)] = ""
    documents: Annotated[list[GivenWorkDocument], Field(max_length=10, description="With `text`.")] = []

    def repair(self, attached: tuple[Attached, ...]) -> RepairWish:
        """What a person asks for, in our terms."""
        text, where = self.text.strip(), (self.equipment, self.place)
        return RepairWish(text, *where, self.priority, self.finding, self.key, attached)


class NewWorkStep(BaseModel):
    """A step of a work order."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"step": "fix", "comment": "更換軸封，試車正常"}}
    )

    step: WorkStep
    at: Annotated[Moment | None, Field(description=HAPPENED)] = None
    comment: Words = ""
    assignee: Annotated[str, StringConstraints(pattern=NO_NUL, max_length=100, strip_whitespace=True)] = ""
    priority: Annotated[int | None, Field(ge=1, le=4, description="With `triage`; null: as it is.")] = None
    lock_out_h: Annotated[
        float | None,
        Field(gt=0, le=LOCK_OUT_S_MAX / 3600, description="With `arrive`: take its alarms out of service so long."),
    ] = None
    key: Annotated[Key, Field(description=KEY)] = ""

    def wish(self) -> StepWish:
        """In our terms."""
        return StepWish(
            step=self.step,
            at=None if self.at is None else to_us(self.at),
            comment=self.comment,
            assignee=self.assignee,
            priority=self.priority or 0,
            lock_out_s=None if self.lock_out_h is None else self.lock_out_h * 3600,
            key=self.key,
        )


class NewCheckResult(BaseModel):
    """What was found at a line of the checklist; a reading is judged by the limits of the line."""

    model_config = ConfigDict(extra="forbid")

    check: Line
    ok: StrictBool = True
    value: Annotated[float | None, Field(ge=-1e12, le=1e12)] = None
    note: Line = ""


class NewWorkRecord(BaseModel):
    """Results, photos and words of a work order."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"results": [{"check": "filter_dp", "value": 90.0}]}}
    )

    results: Annotated[list[NewCheckResult], Field(max_length=50)] = []
    documents: Annotated[list[GivenWorkDocument], Field(max_length=20)] = []
    comment: Words = ""
    at: Annotated[Moment | None, Field(description=HAPPENED)] = None
    key: Annotated[Key, Field(description=KEY)] = ""

    def wish(self, attached: tuple[Attached, ...]) -> RecordWish:
        """In our terms."""
        results = tuple(orders.CheckResult(each.check, each.ok, each.value, each.note) for each in self.results)
        at = None if self.at is None else to_us(self.at)
        return RecordWish(results, attached, self.comment, at, self.key)


class WorkCheck(Model):
    """A line of a checklist, and what was found there last."""

    name: str = Field(examples=["filter_dp"])
    text: Text
    unit: str = Field(description="Empty: nothing is measured.", examples=["Pa"])
    low: float | None
    high: float | None
    ok: bool | None = Field(None, description="Null: not looked at yet.")
    value: float | None = None
    note: str = ""
    by: str = ""
    at: Time | None = None

    @classmethod
    def of(cls, check: book.Check, result: orders.CheckResult | None = None) -> "WorkCheck":
        """Give the answer's form."""
        told: dict[str, Any] = {}
        if result is not None:
            told = {"ok": result.ok, "value": result.value, "note": result.note, "by": result.by}
            told["at"] = to_rfc3339(result.at)
        text = Text(zh=check.text_zh, en=check.text_en)
        return cls(name=check.name, text=text, unit=check.unit, low=check.low, high=check.high, **told)


class WorkEntry(Model):
    """One entry of an order's history."""

    what: str = Field(examples=["arrive"])
    by: str
    at: Time = Field(description="When it happened.")
    recorded_at: Time = Field(description="When the service heard of it.")
    comment: str
    assignee: str
    priority: int | None


class WorkEvidence(Model):
    """What rang, as the record has it for ever."""

    alarm: str
    occurrence: int
    explanation: str = Field(description="Address of samples, rule and limits as they were.")


class WorkOrder(Model):
    """One work order as it stands; a repair ticket is one of the kind `repair`."""

    order: str = Field(examples=["2026-07-01-1"])
    kind: WorkKind
    source: WorkSource
    state: WorkState
    steps: list[WorkStep] = Field(description="What may follow.")
    priority: int
    text: Text
    equipment: str | None
    equipment_text: Text | None
    place: str = Field(description="Floor and zone.", examples=["B2.CN"])
    sop: str
    checks: list[WorkCheck]
    evidence: WorkEvidence | None
    finding: str | None
    due_at: Time | None
    arrive_by: Time | None = Field(description="Until when somebody is to be there; null where it is not urgent.")
    late: bool | None = Field(description="Whether somebody came, or is, too late; null: not held to it, or not yet.")
    assignee: str
    opened_by: str
    opened_at: Time
    arrived_at: Time | None
    fixed_by: str
    fixed_at: Time | None
    verified_by: str
    verified_at: Time | None
    closed_by: str
    closed_at: Time | None
    dismissed: bool
    reopened: int
    permit: str | None = Field(description="Permit under which its equipment is locked out now.")
    run_hours: float | None
    documents: list[WorkDocument]
    history: list[WorkEntry]
    version: int

    @classmethod
    def of(cls, order: orders.WorkOrder, services: ApiServices) -> "WorkOrder":
        """Give the answer's form."""
        rules, now = services.site.maintenance.rules, services.clock.now()
        urgent = order.kind is WorkKind.REPAIR and order.priority <= URGENT
        found = services.site.equipment.get(order.equipment)
        return cls(
            order=order.order,
            kind=order.kind,
            source=order.source,
            state=order.state,
            steps=[step for state, step in TRANSITIONS if state is order.state],
            priority=order.priority,
            text=Text(zh=order.text_zh, en=order.text_en),
            equipment=order.equipment or None,
            equipment_text=None if found is None else Text.of(found.text),
            place=order.place or place_of(order.equipment),
            sop=order.sop,
            checks=[WorkCheck.of(check, order.result(check.name)) for check in order.checks],
            evidence=_evidence(order),
            finding=order.subject if order.source is WorkSource.PATROL else None,
            due_at=to_rfc3339(order.due_at),
            arrive_by=to_rfc3339(order.opened_at + round(rules.arrive_within_s * 1e6)) if urgent else None,
            late=arrives_late(order, now, rules),
            assignee=order.assignee,
            opened_by=order.opened_by,
            opened_at=to_rfc3339(order.opened_at) or "",
            arrived_at=to_rfc3339(order.arrived_at),
            fixed_by=order.fixed_by,
            fixed_at=to_rfc3339(order.fixed_at),
            verified_by=order.verified_by,
            verified_at=to_rfc3339(order.verified_at),
            closed_by=order.closed_by,
            closed_at=to_rfc3339(order.closed_at),
            dismissed=order.dismissed,
            reopened=order.reopened,
            permit=order.permit or None,
            run_hours=order.run_hours,
            documents=[WorkDocument.of(document) for document in order.documents],
            history=[_entry(line) for line in order.log],
            version=order.version,
        )


class WorkOrderPage(Model):
    """Some orders, the newest first, and where to go on."""

    items: list[WorkOrder]
    next: str | None


def place_of(equipment: str) -> str:
    """Floor and zone of equipment by its name."""
    parts = equipment.split(".")
    return ".".join(parts[1:3]) if len(parts) > 3 else ""


def _evidence(order: orders.WorkOrder) -> WorkEvidence | None:
    if order.source is not WorkSource.ALARM:
        return None
    address = f"/api/v1/explain/alarm/{quote(order.subject, safe='')}?occurrence={order.occurrence}"
    return WorkEvidence(alarm=order.subject, occurrence=order.occurrence, explanation=address)


def _entry(line: orders.LogLine) -> WorkEntry:
    return WorkEntry(
        what=line.what,
        by=line.by,
        at=to_rfc3339(line.at) or "",
        recorded_at=to_rfc3339(line.recorded_at) or "",
        comment=line.comment,
        assignee=line.assignee,
        priority=line.priority or None,
    )
