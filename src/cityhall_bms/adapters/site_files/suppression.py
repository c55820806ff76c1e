"""The table of suppression by design: the shipped one, and what ``suppression.toml`` of a site says otherwise."""

from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.permits import PermitKind
from cityhall_bms.domain.site import System
from cityhall_bms.domain.suppression import Relation, Row, Which

SUPPRESSION_FILE: Final = "suppression.toml"
HOLD_MAX_S: Final = 86_400.0

Names = Annotated[tuple[str, ...], Field(max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WhichTable(_Closed):
    """``cause`` or ``hides``: alarms of rules, systems, classes and priorities; what is left out restricts nothing."""

    rules: Names = ()
    detects: Names = ()
    systems: tuple[System, ...] = ()
    classes: Names = ()
    priorities: tuple[Literal[1, 2, 3, 4], ...] = (1, 2, 3, 4)

    def which(self) -> Which:
        """Give the alarms that are meant."""
        return Which(
            frozenset(self.rules),
            frozenset(self.detects),
            frozenset(system.value for system in self.systems),
            frozenset(self.classes),
            frozenset(self.priorities),
        )


class RowTable(_Closed):
    """One ``[[suppression]]``."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,39}$")]
    enabled: bool = True
    cause: WhichTable | None = None
    relations: tuple[Relation, ...] = ()
    hold_s: Annotated[float, Field(ge=0.0, le=HOLD_MAX_S, allow_inf_nan=False)] = 0.0
    permits: tuple[PermitKind, ...] = ()
    hides: WhichTable = WhichTable()
    text_zh: Text
    text_en: Text
    source: Text

    @model_validator(mode="after")
    def _one_cause(self) -> "RowTable":
        if (self.cause is None) == (not self.permits):
            msg = "give either 'cause' (alarms) or 'permits'"
            raise ValueError(msg)
        if self.cause is not None and not self.relations:
            msg = "a 'cause' needs 'relations': how what it hides is related to it"
            raise ValueError(msg)
        if self.permits and (self.relations or self.hold_s):
            msg = "'permits' hide by their own scope and times: leave out 'relations' and 'hold_s'"
            raise ValueError(msg)
        if self.cause is not None and not (self.cause.rules or self.cause.detects):
            msg = "'cause' needs 'rules' or 'detects'"
            raise ValueError(msg)
        return self

    def row(self) -> Row:
        """Give the row of the table."""
        return Row(
            id=self.id,
            hides=self.hides.which(),
            cause=None if self.cause is None else self.cause.which(),
            relations=self.relations,
            hold_s=self.hold_s,
            permits=frozenset(self.permits),
            text_zh=self.text_zh,
            text_en=self.text_en,
        )


class SuppressionFile(_Closed):
    """The whole file."""

    suppression: Annotated[tuple[RowTable, ...], Field(max_length=500)] = ()


def shipped_rows() -> list[RowTable]:
    """Rows of the table that every site begins with."""
    with as_file(files(__package__) / SUPPRESSION_FILE) as path:
        return list(SuppressionFile.model_validate(_parsed(path, Mistakes()).data).suppression)


def suppression_rows(folder: Path, rules: Iterable[str], detects: Iterable[str]) -> list[Row]:
    """Rows in force at a site: the shipped ones, each replaced by the site's of the same id, then its others.

    :class:`SiteError` with every mistake of ``suppression.toml``; ``rules`` and ``detects`` are the names there are.
    """
    rows = {table.id: table for table in shipped_rows()}
    if (folder / SUPPRESSION_FILE).exists():
        mistakes = Mistakes()
        own = _own_rows(folder / SUPPRESSION_FILE, frozenset(rules), frozenset(detects), mistakes)
        if mistakes:
            raise SiteError(mistakes.sorted())
        rows |= {table.id: table for table in own}
    return [table.row() for table in rows.values() if table.enabled]


def _own_rows(path: Path, rules: frozenset[str], detects: frozenset[str], mistakes: Mistakes) -> tuple[RowTable, ...]:
    file = read_toml(path, SUPPRESSION_FILE, mistakes)
    if file is None:
        return ()
    model = validated(file, SuppressionFile, mistakes)
    if model is None:
        return ()
    first: dict[str, int] = {}
    for place, table in enumerate(model.suppression):
        line = file.line("suppression", place, "id")
        if table.id in first:
            message = f"'{table.id}' stands already on line {first[table.id]}"
            mistakes.add(file.name, line, "[[suppression]] id", message, "delete or rename one of them")
        first.setdefault(table.id, line)
        for key, which in (("cause", table.cause), ("hides", table.hides)):
            if which is not None:
                _check_names(file, place, (key, "rules"), (which.rules, rules), mistakes)
                _check_names(file, place, (key, "detects"), (which.detects, detects), mistakes)
    return model.suppression


def _check_names(
    file: TomlFile,
    place: int,
    key: tuple[str, str],
    names: tuple[tuple[str, ...], frozenset[str]],
    mistakes: Mistakes,
) -> None:
    given, known = names
    for name in given:
        if name not in known:
            line = file.line("suppression", place, *key)
            what = "rule" if key[1] == "rules" else "limit or fault that a rule detects"
            field = f"[[suppression]] {'.'.join(key)}"
            mistakes.add(file.name, line, field, f"there is no {what} '{name}'", suggest(name, sorted(known)))


def _parsed(path: Path, mistakes: Mistakes) -> TomlFile:
    file = read_toml(path, SUPPRESSION_FILE, mistakes)
    if file is None:
        raise SiteError(mistakes.sorted())
    return file
