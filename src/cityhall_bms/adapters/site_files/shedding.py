"""Read ``shedding.toml``: what is done where demand comes near the contract, over what is shipped."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.commands import WRITABLE_KINDS
from cityhall_bms.domain.energy.shedding import (
    ActionKind,
    ChargingPlan,
    ShedAction,
    SheddingMode,
    SheddingPlan,
    ShedStep,
    Split,
)
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.site import Equipment, Point

SHEDDING_FILE: Final = "shedding.toml"
GAP_MIN_S: Final = 900.0
"""No two steps are nearer than a demand interval: the effect of the one must be seen before the other."""

Words = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Words, ...], Field(min_length=1, max_length=50)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ActionTable(_Table):
    """One of the ``actions`` of a step."""

    kind: ActionKind
    classes: Names
    role: Words
    value: Finite
    most: Finite | None = None
    groups: Annotated[int, Field(ge=2, le=10)] = 2
    turn_s: Annotated[float, Field(ge=300.0, le=3_600.0)] = 600.0

    def action(self) -> ShedAction:
        """In our terms."""
        return ShedAction(**self.model_dump())


class StepTable(_Table):
    """One ``[[step]]``."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    text_zh: Words
    text_en: Words
    actions: Annotated[tuple[ActionTable, ...], Field(min_length=1, max_length=10)]

    def step(self) -> ShedStep:
        """In our terms."""
        return ShedStep(self.name, self.text_zh, self.text_en, tuple(table.action() for table in self.actions))


class ChargingTable(_Table):
    """``[charging]``: sharing a feeder among charging stations; without the table nothing is shared."""

    classes: Names = ("Electric_Vehicle_Charging_Station",)
    status_role: Words = "Status"
    limit_role: Words = "LimitA"
    power_role: Words = "kW"
    wanting: Annotated[tuple[Finite, ...], Field(min_length=1, max_length=20)] = (1.0, 2.0, 3.0)
    feeder_limit_a: Positive
    volts: Positive = 220.0
    phases: Annotated[int, Field(ge=1, le=3)] = 1
    split: Split = Split.EQUAL
    least_a: Positive = 6.0
    most_a: Positive = 32.0
    step_a: Positive = 6.0
    step_s: Annotated[float, Field(ge=10.0, le=600.0)] = 10.0

    @model_validator(mode="after")
    def _in_order(self) -> "ChargingTable":
        if self.least_a > self.most_a:
            msg = "least_a <= most_a"
            raise ValueError(msg)
        return self


class SheddingFile(_Table):
    """The whole file; a site that names steps names all of them."""

    mode: SheddingMode = SheddingMode.PROPOSE
    shed_at: Share = 0.95
    restore_below: Share = 0.90
    restore_windows: Annotated[int, Field(ge=1, le=12)] = 2
    gap_s: Annotated[float, Field(ge=GAP_MIN_S, le=86_400.0)] = GAP_MIN_S
    answer_s: Annotated[float, Field(ge=60.0, le=86_400.0)] = 900.0
    step: Annotated[tuple[StepTable, ...], Field(max_length=20)] = ()
    charging: ChargingTable | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "SheddingFile":
        if self.restore_below >= self.shed_at:
            msg = "restore_below < shed_at"
            raise ValueError(msg)
        return self

    def plan(self, steps: tuple[StepTable, ...]) -> SheddingPlan:
        """In our terms."""
        return SheddingPlan(
            mode=self.mode,
            shed_at=self.shed_at,
            restore_below=self.restore_below,
            restore_windows=self.restore_windows,
            gap_s=self.gap_s,
            answer_s=self.answer_s,
            steps=tuple(table.step() for table in steps),
            charging=None if self.charging is None else ChargingPlan(**self.charging.model_dump()),
        )


def read_shedding(
    folder: Path, equipment: Mapping[str, Equipment], points: Iterable[Point], mistakes: Mistakes
) -> SheddingPlan:
    """Plan of a site; every mistake of its file is noted. A step of the shipped plan that fits nothing is never due."""
    shipped = shipped_shedding()
    path = folder / SHEDDING_FILE
    if not path.exists():
        return shipped.plan(shipped.step)
    file = read_toml(path, SHEDDING_FILE, mistakes)
    own = validated(file, SheddingFile, mistakes) if file else None
    if file is None or own is None:
        return SheddingPlan()
    _check_steps(file, own, equipment, list(points), mistakes)
    return own.plan(own.step or shipped.step)


def shipped_shedding() -> SheddingFile:
    """What the service brings along."""
    mistakes = Mistakes()
    with as_file(files(__package__) / SHEDDING_FILE) as path:
        file = read_toml(path, SHEDDING_FILE, mistakes)
        found = validated(file, SheddingFile, mistakes) if file else None
    if found is None:
        raise SiteError(mistakes.sorted())
    return found


def _check_steps(
    file: TomlFile, own: SheddingFile, equipment: Mapping[str, Equipment], points: list[Point], mistakes: Mistakes
) -> None:
    seen: set[str] = set()
    for number, table in enumerate(own.step):
        if table.name in seen:
            line = file.line("step", number, "name")
            mistakes.add(file.name, line, "[[step]] name", f"'{table.name}' stands twice", "name it otherwise")
        seen.add(table.name)
        for action in table.actions:
            _check_action(file, file.line("step", number, "actions"), action, (equipment, points), mistakes)


def _check_action(
    file: TomlFile,
    line: int,
    action: ActionTable,
    site: tuple[Mapping[str, Equipment], Sequence[Point]],
    mistakes: Mistakes,
) -> None:
    equipment, points = site
    classes = sorted({item.brick_class for item in equipment.values()})
    for name in action.classes:
        if name not in classes:
            message = f"the site has no equipment of class '{name}'"
            mistakes.add(file.name, line, "[[step]] actions.classes", message, suggest(name, classes))
    there = [p for p in points if p.equipment in equipment and equipment[p.equipment].brick_class in action.classes]
    commanded = sorted({point.role for point in there if point.kind in WRITABLE_KINDS})
    if there and action.role not in commanded:
        message = f"no point of role '{action.role}' can be commanded there"
        mistakes.add(file.name, line, "[[step]] actions.role", message, suggest(action.role, commanded))
