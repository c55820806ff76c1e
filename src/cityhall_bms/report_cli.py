"""Commands about reports."""

from pathlib import Path
from typing import Annotated

import typer

from cityhall_bms import report_jobs
from cityhall_bms.adapters.logs import configure_logs
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.command_frame import Config, DataDir, SiteFolder, run, settings_of
from cityhall_bms.domain.reports import Language, ReportFormat, ReportKind
from cityhall_bms.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands to the others."""
    app.command()(report)
    app.command(name="make-report", hidden=True)(make_report)


def report(  # noqa: PLR0913 - the options of a command are its arguments
    site: SiteFolder,
    kind: Annotated[ReportKind, typer.Argument(help="種類 / which report")],
    *,
    period: Annotated[str, typer.Option("--period", help="期間 / 104H1, 104-06, 104, 2015-06-30")],
    output: Annotated[Path, typer.Option("--output", help="檔案 / the file; its manifest comes beside it")],
    form: Annotated[ReportFormat, typer.Option("--format", help="格式 / form")] = ReportFormat.PDF,
    language: Annotated[Language, typer.Option("--language", help="語言 / language")] = Language.ZH,
    provisional: Annotated[
        bool, typer.Option("--provisional", help="資料不足時列暫定值 / also figures on too few data, marked")
    ] = False,
    as_known_at: Annotated[str, typer.Option("--as-known-at", metavar="TIME", help="當時所知 / as known then")] = "",
    actor: Annotated[str, typer.Option("--by", help="誰製作 / who makes it; kept in the manifest")] = "operator",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """製作一份報表與可驗證的清單 / Make a report, with a signed manifest beside the file."""
    configure_logs()
    settings = settings_of(config, data_dir)
    asked = report_jobs.ReportRequest(kind, period, output, form, language, provisional, as_known_at, actor)
    job = report_jobs.ReportJob(site, settings, asked, lambda *paths: print(*paths, sep="\n"))
    run(lambda: report_jobs.report(job, SystemClock()))


def make_report(site: SiteFolder, identity: str) -> None:
    """Make a report that was asked for; settings come from the service's environment."""
    configure_logs()
    run(lambda: report_jobs.make(site, identity, load_settings(), SystemClock()))
