"""Read ``label.toml``: the edition of the Intelligent Building label, over what is shipped."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.label import Evidence, Indicator, LabelPlan
from cityhall_bms.domain.site import Text

LABEL_FILE: Final = "label.toml"
ATTACHMENT_KINDS: Final = (".png", ".jpg", ".jpeg", ".pdf", ".csv", ".md", ".txt")
ATTACHMENT_BYTES_MAX: Final = 50_000_000

Words = Annotated[str, Field(min_length=1, max_length=200)]
Score = Annotated[float, Field(ge=0.0, le=1_000.0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IndicatorTable(_Table):
    """One ``[[indicator]]``."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    text_zh: Words
    text_en: Words
    evidence: tuple[Evidence, ...] = ()
    score_max: Score | None = None
    score: Score | None = None
    remark: Annotated[str, Field(max_length=2_000)] = ""
    attachments: Annotated[tuple[str, ...], Field(max_length=50)] = ()


class LabelFile(_Table):
    """The whole file."""

    edition: Words | None = None
    level: Words | None = None
    linkage_rows: tuple[str, ...] | None = None
    plant_class: Words | None = None
    plant_roles: tuple[str, ...] | None = None
    plant_power_role: Words | None = None
    plant_cooling_role: Words | None = None
    controller_class: Words | None = None
    controller_role: Words | None = None
    indicator: Annotated[tuple[IndicatorTable, ...], Field(max_length=50)] = ()


def read_label(folder: Path, mistakes: Mistakes) -> LabelPlan:
    """What a site folder says, over what is shipped. Every mistake in its file is noted."""
    shipped = _shipped()
    if not (folder / LABEL_FILE).exists():
        return _plan(shipped, LabelFile())
    file = read_toml(folder / LABEL_FILE, LABEL_FILE, mistakes)
    own = validated(file, LabelFile, mistakes) if file else None
    if file is None or own is None:
        return _plan(shipped, LabelFile())
    for place, table in enumerate(own.indicator):
        for name in table.attachments:
            _check_attachment(folder, file, place, name, mistakes)
    return _plan(shipped, own)


def _shipped() -> LabelFile:
    mistakes = Mistakes()
    with as_file(files(__package__) / LABEL_FILE) as path:
        file = read_toml(path, LABEL_FILE, mistakes)
    found = validated(file, LabelFile, mistakes) if file else None
    if found is None:
        raise SiteError(mistakes.sorted())
    return found


def _plan(shipped: LabelFile, own: LabelFile) -> LabelPlan:
    keys = shipped.model_dump(exclude={"indicator"}) | own.model_dump(exclude={"indicator"}, exclude_none=True)
    tables = {table.name: table for table in (*shipped.indicator, *own.indicator)}
    return LabelPlan(**keys, indicators=tuple(_indicator(table) for table in tables.values()))


def _indicator(table: IndicatorTable) -> Indicator:
    fields = table.model_dump(exclude={"text_zh", "text_en"})
    return Indicator(text=Text(table.text_zh, table.text_en), **fields)


def _check_attachment(folder: Path, file: TomlFile, place: int, name: str, mistakes: Mistakes) -> None:
    path = (folder / name).resolve()
    wrong = ""
    if not path.is_relative_to(folder.resolve()) or Path(name).is_absolute():
        wrong, remedy = "is not in the site folder", "put the file into the site folder"
    elif path.suffix.lower() not in ATTACHMENT_KINDS:
        wrong, remedy = "is of no kind that goes into the pack", f"use one of {', '.join(ATTACHMENT_KINDS)}"
    elif not path.is_file():
        wrong, remedy = "is not there", "add the file, or delete its name"
    elif path.stat().st_size > ATTACHMENT_BYTES_MAX:
        wrong, remedy = f"is larger than {ATTACHMENT_BYTES_MAX} bytes", "make it smaller"
    if wrong:
        line = file.line("indicator", place, "attachments")
        mistakes.add(file.name, line, "[[indicator]] attachments", f"'{name}' {wrong}", remedy)
