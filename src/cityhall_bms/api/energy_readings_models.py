"""Forms of the answers and bodies about readings that people enter."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api.alarm_desk import Reason
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.times import WrittenDay, to_rfc3339
from cityhall_bms.domain.energy import readings
from cityhall_bms.domain.energy.readings import AMOUNT_MAX, ReadingState
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.energy_readings import ImportedRow, ReadingWish, RowOutcome

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MeterName = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=60)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]


class Document(Model):
    """A file that proves an amount, kept under its SHA-256."""

    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    name: str = Field(examples=["中油發票_115-06.pdf"])
    type: str = Field(examples=["application/pdf"])
    bytes: int = Field(examples=[48213])

    @classmethod
    def of(cls, document: readings.Document) -> "Document":
        """Give the answer's form."""
        return cls(sha256=document.sha256, name=document.name, type=document.media_type, bytes=document.size)


class GivenDocument(BaseModel):
    """A document that was kept before."""

    model_config = ConfigDict(extra="forbid")

    sha256: Sha256
    name: Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]


class NewReading(BaseModel):
    """An amount of a period, in the unit of the meter's commodity; both days are included."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "meter": "TCH.FUEL.FLEET", "first_day": "2026-06-01", "last_day": "2026-06-30", "amount": 1518.5,
                "note": "六月份加油卡帳單",
            }
        },
    )  # fmt: skip

    meter: MeterName
    first_day: WrittenDay
    last_day: WrittenDay
    amount: Annotated[float, Field(ge=0.0, le=AMOUNT_MAX, allow_inf_nan=False)]
    note: Words = ""
    corrects: Annotated[
        int, Field(ge=0, strict=True, description="Number of the approved reading that it replaces; 0: none.")
    ] = 0
    document: GivenDocument | None = None

    def wish(self, document: readings.Document | None) -> ReadingWish:
        """In our terms."""
        return ReadingWish(self.meter, self.first_day, self.last_day, self.amount, self.note, self.corrects, document)


class Named(BaseModel):
    """A reading by its meter and number."""

    model_config = ConfigDict(extra="forbid")

    meter: MeterName
    number: Number


class Approval(BaseModel):
    """Which readings are right, and who says so: not who entered them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"readings": [{"meter": "TCH.FUEL.FLEET", "number": 1}], "comment": "與帳單相符"}
        },
    )

    readings: Annotated[list[Named], Field(min_length=1, max_length=500)]
    comment: Words = ""


class Rejection(BaseModel):
    """Who rejects a reading, or withdraws his own, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "與帳單金額不符"}})

    reason: Reason


class Reading(Model):
    """One entry and what became of it."""

    meter: str = Field(examples=["TCH.FUEL.FLEET"])
    number: int = Field(examples=[1])
    first_day: WrittenDay
    last_day: WrittenDay
    amount: float = Field(examples=[1518.5])
    unit: str = Field(examples=["L"])
    state: ReadingState
    note: str
    corrects: int | None
    source: str | None = Field(description="SHA-256 of the file that it was read from; null: it was typed.")
    document: Document | None
    entered_by: str
    entered_at: Time
    decided_by: str = Field(description="Who approved or rejected it; empty: nobody yet.")
    decided_at: Time | None
    comment: str

    @classmethod
    def of(cls, reading: readings.Reading, unit: str, zone: ZoneInfo) -> "Reading":
        """Give the answer's form."""
        return cls(
            meter=reading.meter,
            number=reading.number,
            first_day=local_day(zone, reading.begin),
            last_day=local_day(zone, reading.until - 1),
            amount=reading.amount,
            unit=unit,
            state=reading.state,
            note=reading.note,
            corrects=reading.corrects or None,
            source=reading.source or None,
            document=Document.of(reading.document) if reading.document else None,
            entered_by=reading.entered_by,
            entered_at=to_rfc3339(reading.entered_at) or "",
            decided_by=reading.decided_by,
            decided_at=to_rfc3339(reading.decided_at),
            comment=reading.comment,
        )


class ReadingPage(Model):
    """Some readings, the newest first, and where to go on."""

    items: list[Reading]
    next: str | None


class ReadingList(Model):
    """Readings."""

    items: list[Reading]


class FileRow(Model):
    """What a row of a file comes to."""

    line: int = Field(examples=[2])
    outcome: RowOutcome
    reading: Reading
    before: float | None = Field(description="Amount that it corrects.")

    @classmethod
    def of(cls, row: ImportedRow, unit: str, zone: ZoneInfo) -> "FileRow":
        """Give the answer's form."""
        return cls(line=row.line, outcome=row.outcome, reading=Reading.of(row.reading, unit, zone), before=row.before)


class FileProblem(Model):
    """A mistake in a file; lines and columns count from 1."""

    line: int = Field(examples=[3])
    column: int = Field(examples=[4])
    field: str = Field(examples=["amount"])
    message: str = Field(examples=["'1,518' is no amount: write it without separators"])


class FileOutcome(Model):
    """What a file comes to. With a problem, and in a dry run, nothing of it was entered."""

    dry_run: bool
    entered: bool = Field(description="Whether anything was entered.")
    sha256: str
    rows: list[FileRow]
    problems: list[FileProblem]
