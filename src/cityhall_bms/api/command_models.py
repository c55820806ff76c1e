"""Forms of commands, priorities and overrides, as the API takes and gives them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api.alarm_desk import Reason
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.commanding import control as domain
from cityhall_bms.domain.commanding.choice import Choice
from cityhall_bms.domain.commanding.control import CommandState
from cityhall_bms.ports import commands as ports

ITEMS_MAX = 50

Priority = Literal[8, 12, 16]
Name = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]
Console = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=100)]
Value = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class At(BaseModel):
    """At which console somebody asks; who asks is known."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"console": "控制室 1"}})

    console: Console = ""


class Wish(At):
    """What a point is to hold, and why. A null value gives the priority up."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "point": "TCH.B2.CN.CHC01.CHWS_SP", "value": 7.5, "reason": "午後負載低", "console": "控制室 1",
            }
        },
    )  # fmt: skip

    point: Name
    value: Value | None
    priority: Priority = 8
    reason: Reason
    permit: Annotated[str, StringConstraints(pattern=NO_NUL, max_length=100)] = Field(
        "", description="Permit for works at the equipment, where there is one in force."
    )

    def wish(self) -> ports.CommandWish:
        """In our terms."""
        return ports.CommandWish(self.point, self.value, self.priority, self.reason, self.permit)


class Confirmation(At):
    """The second step, by whoever took the first."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "token": "q3v…",
            }
        },
    )

    token: Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]


class Extension(At):
    """How much longer a manual override is to stand, from now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"hours": 4, "reason": "檢修未完"}})

    hours: Annotated[float, Field(gt=0, le=168, allow_inf_nan=False, strict=True)]
    reason: Reason


class Item(Model):
    """One point of many."""

    model_config = ConfigDict(extra="forbid")

    point: Name
    value: Value | None


class BulkWish(At):
    """One thing asked for at many points, for one reason."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "items": [{"point": "TCH.B2.CS.FCU01.ZoneSP", "value": 28.0}], "reason": "需量緊迫"
            }
        },
    )  # fmt: skip

    items: Annotated[list[Item], Field(min_length=1, max_length=ITEMS_MAX)]
    priority: Priority = 8
    reason: Reason


class Command(Model):
    """One command as it stands."""

    command: str = Field(examples=["TCH.B2.CN.CHC01.CHWS_SP-7"])
    point: str = Field(examples=["TCH.B2.CN.CHC01.CHWS_SP"])
    value: float | None = Field(description="Null: the priority is given up.")
    priority: int
    state: CommandState
    reason: str
    by: str
    role: str
    console: str
    permit: str
    begun_at: Time
    until: Time = Field(description="How long a selection, a proposal or a request may wait.")
    needs: list[str] = Field(description="Why a second person must agree.")
    approved_by: str
    bulk: str
    old: float | None = Field(description="What the point held before; null when nobody was sure.")
    written: float | None = Field(description="What the device was given.")
    held: float | None = Field(description="What was read back last.")
    holder: int | None = Field(description="Highest priority in use, where it is known.")
    in_effect: bool = Field(description="False: a higher priority holds the point, and this one waits below.")
    code: str = Field(description="Kind of refusal or failure; empty when there is none.")
    result: str = Field(description="Why it was refused or failed.")
    ended_at: Time | None

    @classmethod
    def of(cls, command: domain.Command) -> "Command":
        """Give the answer's form."""
        return cls(
            command=command.command,
            point=command.point,
            value=command.value,
            priority=command.priority,
            state=command.state,
            reason=command.reason,
            by=command.by,
            role=command.role,
            console=command.console,
            permit=command.permit,
            begun_at=to_rfc3339(command.begun_at) or "",
            until=to_rfc3339(command.until) or "",
            needs=list(command.needs),
            approved_by=command.approved_by,
            bulk=command.bulk,
            old=command.old,
            written=command.written,
            held=command.held,
            holder=command.holder,
            in_effect=command.in_effect,
            code=command.code,
            result=command.result,
            ended_at=to_rfc3339(command.ended_at),
        )


class Selection(Model):
    """A command that waits for its confirmation."""

    command: Command
    token: str = Field(description="Needed to confirm; told once, and kept nowhere.")


class CommandPage(Model):
    """Some commands, the newest first, and where to go on."""

    items: list[Command]
    next: str | None


class Slot(Model):
    """Who holds a point at one priority."""

    priority: int
    value: float
    command: str
    by: str
    role: str
    reason: str
    since: Time
    until: Time | None = Field(description="When a manual override ends; null: without end.")
    expired: bool = Field(description="Its time is over, and it is still to be given up, or could not be.")

    @classmethod
    def of(cls, slot: domain.Slot) -> "Slot":
        """Give the answer's form."""
        return cls(
            priority=slot.priority,
            value=slot.value,
            command=slot.command,
            by=slot.by,
            role=slot.role,
            reason=slot.reason,
            since=to_rfc3339(slot.since) or "",
            until=to_rfc3339(slot.until),
            expired=slot.expired,
        )


class Priorities(Model):
    """How a point is commanded: what the service holds of it, and the command that is under way."""

    point: str
    slots: list[Slot] = Field(description="In use by the service, the highest first.")
    fallback: float | None = Field(description="What it goes back to, where its device keeps no priorities.")
    open: Command | None
    last: Command | None

    @classmethod
    def of(cls, control: domain.PointControl, fallback: float | None) -> "Priorities":
        """Give the answer's form."""
        return cls(
            point=control.point,
            slots=[Slot.of(control.slots[priority]) for priority in sorted(control.slots)],
            fallback=fallback,
            open=None if control.open is None else Command.of(control.open),
            last=None if control.last is None else Command.of(control.last),
        )


class Choices(Model):
    """What a point may be given. Where it is never commanded, `refused` says why, and the rest is empty."""

    point: str
    refused: str = Field(description="Why nobody commands it from here; empty where one may.")
    states: list[float] = Field(description="The only values, where it has states.")
    low: float | None = Field(description="Lowest and highest that one person may choose; null: nothing bounds it.")
    high: float | None
    approved_low: float | None = Field(description="Lowest and highest where a second person agrees.")
    approved_high: float | None
    also: list[float] = Field(description="Single values outside the range that are allowed.")
    lasts_s: float = Field(description="How long a manual override (priority 8) stands, s.")

    @classmethod
    def of(cls, point: str, choice: Choice, lasts_s: float, refused: str = "") -> "Choices":
        """Give the answer's form."""
        return cls(
            point=point,
            refused=refused,
            states=list(choice.states),
            low=choice.low,
            high=choice.high,
            approved_low=choice.approved_low,
            approved_high=choice.approved_high,
            also=list(choice.also),
            lasts_s=lasts_s,
        )


class DeviceSlot(Model):
    """One slot of a device's own priority array."""

    priority: int
    value: float
    ours: bool = Field(description="The service holds it; false: somebody else does, in the controller or beside us.")


class DevicePriorities(Model):
    """The priority array that a device keeps of a point."""

    point: str
    keeps_priorities: bool = Field(description="False: the protocol has none, and the service keeps them.")
    slots: list[DeviceSlot] = Field(description="In use, the highest first.")

    @classmethod
    def of(cls, name: str, slots: Mapping[int, float] | None, control: domain.PointControl) -> "DevicePriorities":
        """Give the answer's form."""
        return cls(
            point=name,
            keeps_priorities=slots is not None,
            slots=[
                DeviceSlot(priority=priority, value=value, ours=priority in control.slots)
                for priority, value in sorted((slots or {}).items())
            ],
        )


class Override(Slot):
    """A priority that is held, with its point."""

    point: str


class Overrides(Model):
    """Priorities that are held, those that end first first."""

    items: list[Override]


class Bulk(Model):
    """One thing asked for at many points."""

    bulk: str
    items: list[Item]
    priority: int
    reason: str
    by: str
    until: Time = Field(description="Until when a second person may agree.")
    approved_by: str
    commands: list[str]
    refused: dict[str, str] = Field(description="Points that were left out, and why.")

    @classmethod
    def of(cls, bulk: ports.Bulk) -> "Bulk":
        """Give the answer's form."""
        return cls(
            bulk=bulk.bulk,
            items=[Item(point=item.point, value=item.value) for item in bulk.items],
            priority=bulk.priority,
            reason=bulk.reason,
            by=bulk.by,
            until=to_rfc3339(bulk.until) or "",
            approved_by=bulk.approved_by,
            commands=list(bulk.commands),
            refused=dict(bulk.refused or {}),
        )


class CommandNews(Model):
    """One thing that happened to a command, as the stream tells it."""

    position: int
    at: Time
    type: str
    point: str
    command: Command | None
