"""The command that makes the evidence pack for the Intelligent Building label."""

from pathlib import Path
from typing import Annotated

import typer

from cityhall_bms import label_jobs
from cityhall_bms.adapters.logs import configure_logs
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.command_frame import Config, DataDir, SiteFolder, run, settings_of


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command(name="label-evidence")(label_evidence)


def label_evidence(  # noqa: PLR0913 - the options of a command are its arguments
    site: SiteFolder,
    *,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="開始時間 / begin, ISO 8601; local if bare")],
    end: Annotated[str, typer.Option("--until", metavar="TIME", help="結束時間（不含） / end, not included")],
    out: Annotated[Path, typer.Option("--out", help="ZIP 檔 / the ZIP; its manifest comes beside it")],
    language: Annotated[str, typer.Option("--language", help="zh, en")] = "zh",
    as_known_at: Annotated[str, typer.Option("--as-known-at", metavar="TIME", help="當時所知 / as known then")] = "",
    actor: Annotated[str, typer.Option("--by", help="誰取走 / who takes it; kept in the event log")] = "operator",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """製作智慧建築標章佐證資料包 / Make the signed evidence pack for the Intelligent Building label."""
    configure_logs()
    settings = settings_of(config, data_dir)
    asked = label_jobs.PackRequest(begin, end, out, language, as_known_at, actor)
    job = label_jobs.PackJob(site, settings, asked, lambda *paths: print(*paths, sep="\n"))
    run(lambda: label_jobs.make(job, SystemClock()))
