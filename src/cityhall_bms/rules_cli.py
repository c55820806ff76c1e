"""Commands about rules: which there are, and what they are bound to at a site."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from cityhall_bms import site_reading
from cityhall_bms.command_frame import ending_well
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.files import library
from cityhall_bms.rules.listing import listed

PIPED_WIDTH = 200
"""Columns of a table that goes to a file or a program: wide enough that no id is cut."""
HEADINGS = ("id", "v", "p", "延遲 delay", "設備 class", "內容 text", "依據 source")
COUNTS = ("單元 units", "n/a")

app = typer.Typer(no_args_is_help=True, help="規則 / Rules: list them.")


class ListFormat(StrEnum):
    """How rules are listed."""

    TABLE = "table"
    JSON = "json"


def register(commands: typer.Typer) -> None:
    """Add ``rules ...`` to the other commands."""
    commands.add_typer(app, name="rules")


@app.callback()
def rules() -> None:
    """規則 / Rules: list them."""


@app.command(name="list")
def list_rules(
    site: Annotated[
        Path | None, typer.Option("--site", metavar="SITE", help="案場資料夾 / count the units of this site folder too")
    ] = None,
    form: Annotated[ListFormat, typer.Option("--format", help="table 或 json / table or json")] = ListFormat.TABLE,
) -> None:
    """列出規則，以及在案場的適用情形 / List the rules, and what they are bound to at a site."""
    tables = ending_well(lambda: rules_of(site))
    if form is ListFormat.JSON:
        print(orjson.dumps(tables, option=orjson.OPT_INDENT_2).decode())
    else:
        console = Console()
        if not console.is_terminal:
            console.width = PIPED_WIDTH
        console.print(as_table(tables))


def rules_of(folder: Path | None) -> list[dict[str, Any]]:
    """Rules that are shipped; those in force with a site folder, and the units that they are bound to there."""
    if folder is None:
        return listed(library())
    site = site_reading.read_site(folder)
    in_force = site_reading.read_site_rules(folder)
    numbers = {name: number for number, name in enumerate(site.points, start=1)}
    return listed(in_force, bind(in_force, site, numbers))


def as_table(tables: list[dict[str, Any]]) -> Table:
    """Columns for people; what is not asked for here stands in the JSON form."""
    counted = bool(tables) and "bound" in tables[0]
    made = Table(box=None, header_style="bold", pad_edge=False)
    for heading in (
        "id",
        "v",
        "p",
        "延遲 delay",
        "設備 class",
        "內容 text",
        "依據 source",
        *(("單元", "n/a") * counted),
    ):
        made.add_column(heading, no_wrap=heading == "id")
    for table in tables:
        made.add_row(*_cells(table), *((str(table["bound"]), str(len(table["not_applicable"]))) if counted else ()))
    return made


def _cells(table: dict[str, Any]) -> list[str]:
    return [
        table["id"],
        str(table["version"]),
        str(table["priority"]),
        f"{table['on_delay_s']:g} s",
        ", ".join(table.get("equipment_class", ())),
        table["text_zh"],
        table["source"],
    ]
