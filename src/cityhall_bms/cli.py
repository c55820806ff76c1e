"""The ``cityhall-bms`` command."""

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import orjson
import typer

from cityhall_bms import (
    account_cli,
    bootstrap,
    commissioning_commands,
    demo,
    export_jobs,
    history_jobs,
    integrity_jobs,
    label_cli,
    live_change,
    meter_cli,
    report_cli,
    rules_cli,
    site_reading,
    supervisor,
    upkeep_cli,
)
from cityhall_bms.adapters.logs import configure_logs
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.api.app import openapi_document
from cityhall_bms.command_frame import Config, DataDir, SiteFolder, ending_well, run, settings_of
from cityhall_bms.day_bar import day_bar, share_bar
from cityhall_bms.domain.events import HistoryImported
from cityhall_bms.exports.verification import holds
from cityhall_bms.ports.exports import ExportFormat
from cityhall_bms.ports.history import Aggregation
from cityhall_bms.settings import load_settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="市政大樓建築管理與遙測服務 / Building management and telemetry for a city hall.",
)

Host = Annotated[str | None, typer.Option("--host", help="監聽位址 / address to listen on")]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65_535, help="埠 / port to listen on")]
DraftFolder = Annotated[Path, typer.Option("--out", help="寫到這個新資料夾 / a new folder to write to")]
RolesOption = Annotated[str, typer.Option("--roles", help=f"all, or some of {','.join(bootstrap.ROLES)}")]
upkeep_cli.register(app)
meter_cli.register(app)
report_cli.register(app)
rules_cli.register(app)
label_cli.register(app)
account_cli.register(app)


@app.command()
def check(site: SiteFolder) -> None:
    """檢查案場資料夾，列出每個錯誤 / Check a site folder and list every mistake."""
    found = ending_well(lambda: site_reading.read_site(site))
    rules = ending_well(lambda: site_reading.read_site_rules(site))
    ending_well(lambda: site_reading.check_rules_fit(found, rules))
    ending_well(lambda: site_reading.read_site_suppression(site, found, rules))
    ending_well(lambda: site_reading.read_site_label(site))
    print(
        f"{site}: 沒有錯誤 no mistakes: {len(found.devices)} devices, {len(found.equipment)} equipment, "
        f"{len(found.points)} points, {len(rules)} rules"
    )


@app.command()
def serve(
    site: SiteFolder,
    config: Config = None,
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    roles: RolesOption = "all",
) -> None:
    """啟動服務 / Run the service for a site folder until it is stopped."""
    configure_logs()
    settings = settings_of(config, data_dir, host, port)
    chosen = ending_well(lambda: bootstrap.parse_roles(roles))
    run(lambda: supervisor.serve(supervisor.Job(site, settings, chosen), SystemClock()))


@app.command()
def apply(site: SiteFolder, config: Config = None, data_dir: DataDir = None) -> None:
    """把改過的案場資料夾套用到執行中的服務 / Have the running service take a changed site folder."""
    settings = settings_of(config, data_dir)
    applied = ending_well(lambda: asyncio.run(live_change.apply(site, settings, SystemClock())))
    if applied is None:
        print(f"{site}: 無異動 nothing differs from what is in service")
    else:
        live_change.summary(applied, print)


@app.command(name="discover")
def find_devices(
    protocol: Annotated[str, typer.Argument(help="通訊協定 / bacnet, modbus, opcua, ...")],
    where: Annotated[str, typer.Argument(help="搜尋範圍，寫法依協定 / where to look, in the protocol's own words")],
    out: DraftFolder,
    within: Annotated[float, typer.Option("--within", min=1, help="最多幾秒 / seconds at most")] = 60.0,
) -> None:
    """搜尋設備，寫出案場草稿 / Look for devices and write a draft site folder."""
    draft = ending_well(lambda: commissioning_commands.find_devices(protocol, where, out, within, SystemClock()))
    print(f"{out}: {draft.devices} devices, {draft.points} points")


@app.command(name="import-ede")
def import_ede(
    file: Annotated[Path, typer.Argument(help="EDE 主表 / the main table of an EDE set")],
    host: Annotated[str, typer.Option("--host", help="設備位址 / the devices' IPv4 address")],
    out: DraftFolder,
    states: Annotated[Path | None, typer.Option("--states", help="狀態文字表 / its table of state texts")] = None,
) -> None:
    """由 EDE 檔寫出案場草稿 / Write a draft site folder from a BACnet EDE file."""
    draft, skipped = ending_well(lambda: commissioning_commands.import_ede(file, states, host, out))
    print(f"{out}: {draft.devices} devices, {draft.points} points; 略過 left out: {skipped} objects without a value")


@app.command(name="import-holidays")
def import_holidays(
    files: Annotated[
        list[Path], typer.Argument(help="政府行政機關辦公日曆表 CSV，每年一檔 / one CSV file for each year")
    ],
    out: Annotated[Path, typer.Option("--out", help="案場資料夾裡的新檔 / a new file in the site folder")],
) -> None:
    """由政府辦公日曆表寫出案場行事曆 / Write a site's calendar from the government's office calendars."""
    days = ending_well(lambda: commissioning_commands.import_holidays(files, out))
    print(f"{out}: {days} 個放假日與補行上班日 holidays and make-up days")


@app.command()
def probe(
    site: SiteFolder,
    device: Annotated[str, typer.Argument(help="設備名稱 / name of a device")],
    role: Annotated[str | None, typer.Option("--role", help="只看一點 / this point only")] = None,
    offline: Annotated[bool, typer.Option("--plan", help="只看計畫，不連線 / the plan only, no network")] = False,
) -> None:
    """查看一台設備：原始位元組、各種解讀、讀取計畫 / Show a device's raw bytes, what they could mean, and the plan."""
    ending_well(lambda: commissioning_commands.probe(site, device, role, SystemClock(), offline=offline))


@app.command(name="demo")
def run_demo(
    site: Annotated[
        str, typer.Option("--site", help="full、small，或案場資料夾 / full, small, or a site folder")
    ] = "full",
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="幾秒後結束 / stop after so many seconds")
    ] = None,
    port: Port = 8800,
    data_dir: Annotated[Path, typer.Option("--data-dir", help="資料存放處 / where data lie")] = Path("var/demo"),
    fault: Annotated[
        list[str] | None, typer.Option("--fault", metavar="NAME@SECONDS[+DURATION]", help="製造故障 / a fault to come")
    ] = None,
    scenario: Annotated[
        str | None, typer.Option("--scenario", metavar="NAME", help="依劇本發生故障 / faults by plan")
    ] = None,
) -> None:
    """啟動模擬市政大樓與服務 / Start the simulated city hall and the service."""
    options = ending_well(lambda: demo.Options.of(site, seconds, port or 0, data_dir, fault or [], scenario))
    run(lambda: demo.run(options, SystemClock()))


@app.command(name="import")
def load_history(
    folder: Annotated[Path, typer.Argument(help="歷史資料夾 / a folder of history, as cityhall-sim history writes it")],
    site: Annotated[Path, typer.Option("--site", help="案場資料夾 / the site folder")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """載入多年歷史資料 / Load years of history; ended at any time, it goes on when called again."""
    configure_logs()
    settings = settings_of(config, data_dir)
    done: list[HistoryImported] = []
    with day_bar() as on_day:
        job = history_jobs.ImportJob(folder, site, settings, on_day, done.append)
        run(lambda: history_jobs.load_history(job, SystemClock()))
    if not done:
        print("未完成，再次執行即可繼續 / not finished: call it again, and it goes on", file=sys.stderr)
        raise typer.Exit(130)
    event = done[0]
    print(f"已載入 loaded: {event.samples:,} samples of {event.points:,} points, digest {event.digest[:16]}")


@app.command()
def redecode(  # noqa: PLR0913 - the options of a command are its arguments
    site: SiteFolder,
    *,
    device: Annotated[str, typer.Option("--device", help="設備名稱 / name of the device")],
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="開始時間 / begin, ISO 8601; local if bare")],
    end: Annotated[str, typer.Option("--until", metavar="TIME", help="結束時間（不含） / end, not included")],
    reason: Annotated[str, typer.Option("--reason", help="為何更正 / why; kept in the event log")] = "",
    actor: Annotated[str, typer.Option("--by", help="誰更正 / who; kept in the event log")] = "operator",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出，不更正 / show only, change nothing")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """以更正後的點位表重新解讀設備當時送出的位元組 / Decode again what a device sent, and correct the past."""
    configure_logs()
    settings = settings_of(config, data_dir)
    asked = history_jobs.RedecodeRequest(device, begin, end, reason, actor, dry_run)
    run(lambda: history_jobs.redecode(history_jobs.RedecodeJob(site, settings, asked, print), SystemClock()))


@app.command(name="export")
def export_samples(  # noqa: PLR0913 - the options of a command are its arguments
    site: SiteFolder,
    *,
    points: Annotated[list[str], typer.Option("--point", help="點位名稱，可用 * / a name, or a pattern with *")],
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="開始時間 / begin, ISO 8601; local if bare")],
    end: Annotated[str, typer.Option("--until", metavar="TIME", help="結束時間（不含） / end, not included")],
    out: Annotated[Path, typer.Option("--out", help="檔案 / the file; its manifest comes beside it")],
    form: Annotated[ExportFormat, typer.Option("--format", help="格式 / form")] = ExportFormat.CSV_LONG,
    interval: Annotated[str, typer.Option("--interval", help="15m, 1h, 1d, ...; 空白為原始樣本 / empty: samples")] = "",
    aggregation: Annotated[Aggregation, typer.Option("--agg", help="取值 / figure per interval")] = Aggregation.MEAN,
    language: Annotated[str, typer.Option("--language", help="zh, en")] = "zh",
    as_known_at: Annotated[str, typer.Option("--as-known-at", metavar="TIME", help="當時所知 / as known then")] = "",
    actor: Annotated[str, typer.Option("--by", help="誰取走 / who takes it; kept in the event log")] = "operator",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """匯出樣本與可驗證的清單 / Export samples, with a signed manifest beside the file."""
    configure_logs()
    settings = settings_of(config, data_dir)
    asked = export_jobs.ExportRequest(
        points, begin, end, out, form, interval, aggregation, language, as_known_at, actor
    )
    with share_bar() as on_progress:
        job = export_jobs.ExportJob(site, settings, asked, on_progress, lambda *paths: print(*paths, sep="\n"))
        run(lambda: export_jobs.export(job, SystemClock()))


@app.command(name="verify-export")
def verify_export(
    file: Annotated[Path, typer.Argument(help="匯出的檔案 / the exported file")],
    manifest: Annotated[Path | None, typer.Option("--manifest", help="清單 / else FILE.manifest.json")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="信任的公鑰（PEM） / a public key that you trust")] = None,
) -> None:
    """離線驗證匯出檔：內容、列數、簽章 / Prove an exported file off line: content, rows, signature."""
    checks = ending_well(lambda: export_jobs.prove(file, manifest, key))
    for line in checks:
        print(line)
    raise typer.Exit(0 if holds(checks) else 1)


@app.command(name="make-export", hidden=True)
def make_export(identity: str) -> None:
    """Make a job that was asked for; settings come from the service's environment."""
    configure_logs()
    status: list[int] = []
    run(lambda: export_jobs.make(identity, load_settings(), SystemClock(), status.append))
    raise typer.Exit(status[0] if status else 0)


@app.command()
def verify(
    *,
    begin: Annotated[
        str, typer.Option("--from", metavar="TIME", help="開始時間 / begin, ISO 8601; local if bare")
    ] = "",
    end: Annotated[str, typer.Option("--until", metavar="TIME", help="結束時間（不含） / end, not included")] = "",
    rollups: Annotated[bool, typer.Option("--rollups", help="也核對所有彙總 / check every rollup, too")] = False,
    seals: Annotated[Path | None, typer.Option("--seals", help="每日簽章副本 / copies of signed days")] = None,
    keys: Annotated[Path | None, typer.Option("--keys", help="信任的公鑰 / a folder of trusted public keys")] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """核對整份紀錄是否被改過，指出第一個錯誤 / Check that nothing of the record was changed; name the first error."""
    configure_logs()
    settings = settings_of(config, data_dir)
    asked = integrity_jobs.VerifyRequest(begin, end, rollups, seals, keys)
    with integrity_jobs.part_bars() as on_progress:
        job = integrity_jobs.VerifyJob(settings, asked, on_progress, print)
        run(lambda: integrity_jobs.verify_record(job, SystemClock()))


@app.command()
def openapi() -> None:
    """印出 API 的 OpenAPI 描述 / Print the OpenAPI description of the interface."""
    print(orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())


@app.command(name="version")
def show_version() -> None:
    """印出版本 / Print the version."""
    print(version("cityhall-bms"))


@app.command(hidden=True)
def work(site: SiteFolder, roles: RolesOption) -> None:
    """Run roles in this process; settings come from the supervisor's environment."""
    configure_logs()
    chosen = bootstrap.parse_roles(roles)
    run(lambda: bootstrap.work(site, load_settings(), chosen, SystemClock()))
