"""The table of suppression by design, so that a console can say why an alarm is hidden."""

from fastapi import APIRouter
from pydantic import Field

from cityhall_bms.api.models import Model, Text
from cityhall_bms.api.services import Services
from cityhall_bms.domain import suppression

router = APIRouter(tags=["alarms"])


class WhichAlarms(Model):
    """Alarms of some rules, systems, classes of equipment and priorities; an empty list restricts nothing."""

    rules: list[str] = Field(examples=[["E01-LOSS", "LVP-TRIP"]])
    detects: list[str] = Field(description="Limits and faults that rules detect; of these and `rules` one is enough.")
    systems: list[str]
    classes: list[str]
    priorities: list[int] = Field(examples=[[2, 3, 4]])

    @classmethod
    def of(cls, which: suppression.Which) -> "WhichAlarms":
        """Give the answer's form."""
        return cls(
            rules=sorted(which.rules),
            detects=sorted(which.detects),
            systems=sorted(which.systems),
            classes=sorted(which.classes),
            priorities=sorted(which.priorities),
        )


class SuppressionRow(Model):
    """One row of the table: by active alarms (`cause`) or by permits."""

    id: str = Field(examples=["SUPPLY-LOST"])
    text: Text
    cause: WhichAlarms | None
    relations: list[str] = Field(description="How what is hidden is related to the cause.", examples=[["downstream"]])
    hold_s: float = Field(description="How long it goes on after the cause is over.", examples=[300.0])
    permits: list[str] = Field(examples=[["drill"]])
    hides: WhichAlarms
    tags_drill: bool = Field(description="What it hides was set off on purpose: in no figure, and even priority 1.")

    @classmethod
    def of(cls, row: suppression.Row) -> "SuppressionRow":
        """Give the answer's form."""
        return cls(
            id=row.id,
            text=Text(zh=row.text_zh, en=row.text_en),
            cause=None if row.cause is None else WhichAlarms.of(row.cause),
            relations=[relation.value for relation in row.relations],
            hold_s=row.hold_s,
            permits=sorted(kind.value for kind in row.permits),
            hides=WhichAlarms.of(row.hides),
            tags_drill=row.is_exercise,
        )


class SuppressionTable(Model):
    """The table in its order: an alarm that is a cause by one row is hidden by those before it only."""

    items: list[SuppressionRow]


@router.get("/suppressions")
async def list_suppressions(services: Services) -> SuppressionTable:
    """Rows in force at this site; `suppressed_as` of an alarm names the one that hides it."""
    return SuppressionTable(items=[SuppressionRow.of(row) for row in services.suppression.rows])
