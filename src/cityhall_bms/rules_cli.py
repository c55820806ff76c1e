"""Commands about rules: which there are, and what they are bound to at a site."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from cityhall_bms import backtest_jobs, site_reading
from cityhall_bms.adapters.logs import configure_logs
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.command_frame import Config, DataDir, SiteFolder, ending_well, run, settings_of
from cityhall_bms.day_bar import part_bar
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.files import library
from cityhall_bms.rules.listing import listed
from cityhall_bms.settings import load_settings

PIPED_WIDTH = 200
"""Columns of a table that goes to a file or a program: wide enough that no id is cut."""
HEADINGS = ("id", "v", "p", "延遲 delay", "涵蓋 finds", "設備 class", "內容與條件 text, condition", "依據 source")
COUNTS = ("單元 units", "不適用 n/a")

app = typer.Typer(no_args_is_help=True, help="規則 / Rules: list, test on history, draft, promote.")


class ListFormat(StrEnum):
    """How rules are listed."""

    TABLE = "table"
    JSON = "json"


def register(commands: typer.Typer) -> None:
    """Add ``rules ...`` to the other commands."""
    commands.add_typer(app, name="rules")


@app.callback()
def rules() -> None:
    """規則 / Rules: list, test on history, draft, promote."""


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
        # Conditions hold brackets, which are no mark-up.
        console.print(as_table(tables), markup=False)
        for line in not_applicable(tables):
            console.print(line, markup=False, soft_wrap=True)


RuleId = Annotated[str, typer.Argument(metavar="RULE", help="規則代號 / id of the rule")]
By = Annotated[str, typer.Option("--by", help="誰 / who; kept in the event log")]


@app.command()
def backtest(  # noqa: PLR0913 - the options of a command are its arguments
    site: SiteFolder,
    rule: RuleId,
    *,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="開始時間 / begin, ISO 8601; local if bare")],
    end: Annotated[str, typer.Option("--until", metavar="TIME", help="結束時間（不含） / end, not included")],
    step_s: Annotated[float, typer.Option("--step", help="步長（秒） / seconds between two steps")] = 60.0,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="模擬器的真值檔 / truth file of the simulator: precision and recall")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="完整結果 / write the whole result (JSON) there")] = None,
    by: By = "operator",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """以歷史資料測試規則的草稿，並與現行者比較 / Test a rule's draft on history, beside what is in force."""
    configure_logs()
    settings = settings_of(config, data_dir)
    asked = backtest_jobs.BacktestRequest(rule, begin, end, step_s, truth, by)
    with part_bar() as on_share:
        result = run(lambda: backtest_jobs.backtest(site, asked, settings, SystemClock(), on_share))
    if out is not None:
        ending_well(lambda: backtest_jobs.write_result(out, result))
    for line in backtest_jobs.told(result):
        print(line)


@app.command()
def draft(
    site: SiteFolder,
    rule: RuleId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="規則檔 / a file with the one rule")],
    by: By = "operator",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """檢查並存下規則的草稿，尚不生效 / Check and keep a draft of a rule; it does not ring yet."""
    settings = settings_of(config, data_dir)
    record = run(lambda: backtest_jobs.keep_draft(site, rule, file, by, settings, SystemClock()))
    print(f"{rule}: 草稿 draft version {record.draft.version if record.draft else '-'}")


@app.command()
def promote(
    site: SiteFolder,
    rule: RuleId,
    reason: Annotated[str, typer.Option("--reason", help="理由 / why; kept in the event log")],
    by: By = "operator",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """讓測試過的草稿生效 / Have a tested draft take effect."""
    settings = settings_of(config, data_dir)
    record = run(lambda: backtest_jobs.promote(site, rule, reason, by, settings, SystemClock()))
    print(f"{rule}: 已生效 promoted, version {record.promotion.version if record.promotion else '-'}")


@app.command(name="make-backtest", hidden=True)
def make_backtest(site: Path, identity: str) -> None:
    """Make a test that was asked for; settings come from the service's environment."""
    configure_logs()
    status: list[int] = []
    run(lambda: backtest_jobs.make(site, identity, load_settings(), SystemClock(), status.append))
    raise typer.Exit(status[0] if status else 0)


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
    for heading in (*HEADINGS, *(COUNTS if counted else ())):
        made.add_column(heading, no_wrap=heading == HEADINGS[0])
    for table in tables:
        made.add_row(*_cells(table), *((str(table["bound"]), str(len(table["not_applicable"]))) if counted else ()))
    return made


def _cells(table: dict[str, Any]) -> list[str]:
    said = [table["text_zh"], table.get("condition", "")]
    return [
        table["id"],
        str(table["version"]),
        str(table["priority"]),
        f"{table['on_delay_s']:g} s",
        " ".join(table.get("detects", ())),
        ", ".join(table.get("equipment_class", ())),
        "\n".join(line for line in said if line),
        table["source"],
    ]


def not_applicable(tables: list[dict[str, Any]]) -> list[str]:
    """A line per rule and reason: which units it says nothing about."""
    lines = []
    for table in tables:
        by_reason: dict[str, list[str]] = {}
        for unit in table.get("not_applicable", ()):
            by_reason.setdefault(unit["reason"], []).append(unit["equipment"])
        lines += [f"{table['id']}: {len(units)} × {reason}: {', '.join(units)}" for reason, units in by_reason.items()]
    return lines
