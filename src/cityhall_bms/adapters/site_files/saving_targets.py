"""Read the ``[[energy_target]]`` tables of ``targets.toml``: what a year may use at most, or must save."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from cityhall_bms.adapters.site_files.energy_fields import OfWhat, Positive, Year, check_known
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.toml_file import TomlFile
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.domain.energy.saving_targets import PRIORITY, EnergyTarget, TargetKind

KEY: Final = "energy_target"
PERCENT_MAX: Final = 100.0


class EnergyTargetTable(OfWhat):
    """One ``[[energy_target]]``: ``percent`` where it is a saving, ``amount`` where it is an amount."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=40)]
    year: Year
    kind: TargetKind
    percent: Annotated[float, Field(ge=-PERCENT_MAX, le=PERCENT_MAX)] | None = None
    amount: Positive | None = None
    priority: Annotated[int, Field(ge=1, le=4)] = PRIORITY
    text_zh: str = ""
    text_en: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _told_in_its_own_way(self) -> Self:
        wanted, other = ("percent", "amount") if self.kind.relative else ("amount", "percent")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            msg = f"a target of the kind {self.kind} has '{wanted}' and no '{other}'"
            raise ValueError(msg)
        return self

    def target(self) -> EnergyTarget:
        """In our terms."""
        told = self.percent if self.percent is not None else self.amount
        assert told is not None  # noqa: S101 - the validator sees to it
        return EnergyTarget(
            name=self.name,
            year=self.year,
            commodity=self.commodity,
            kind=self.kind,
            amount=told,
            tenant=self.tenant,
            meter=self.meter,
            priority=self.priority,
            text_zh=self.text_zh,
            text_en=self.text_en,
            source=self.source,
        )


def checked_targets(
    file: TomlFile, tables: list[EnergyTargetTable], metering: Metering, mistakes: Mistakes
) -> tuple[EnergyTarget, ...]:
    """Targets of the tables; every name that is not known, or stands twice, or lacks its base year, is noted."""
    first: dict[str, int] = {}
    for index, table in enumerate(tables):
        check_known(file, KEY, index, table, metering, mistakes)
        line = file.line(KEY, index, "name")
        if table.name in first:
            message = f"'{table.name}' stands already on line {first[table.name]}"
            mistakes.add(file.name, line, f"[[{KEY}]] name", message, "delete or rename one of them")
        first.setdefault(table.name, line)
        if table.kind is TargetKind.SAVING_ON_BASE_YEAR and table.commodity not in metering.base_years:
            message = f"{table.commodity} has no base year"
            remedy = "add a [[base_year]] to meters.toml"
            mistakes.add(file.name, file.line(KEY, index, "kind"), f"[[{KEY}]] kind", message, remedy)
    return tuple(table.target() for table in tables)
