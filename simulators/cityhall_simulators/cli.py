"""The ``cityhall-sim`` command."""

import asyncio
import json
import math
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from cityhall_simulators.description import Building, load_building, site_names
from cityhall_simulators.faults import FAULTS, FaultTargetError, resolve_target
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.history.command import history
from cityhall_simulators.options import Options, shift_to
from cityhall_simulators.scenarios import Run, ScenarioError, Strike, load_scenario, scenario_names
from cityhall_simulators.site_folder import write_site

app = typer.Typer(add_completion=False, no_args_is_help=True, help="模擬市政大樓 / The simulated city hall.")
app.command()(history)

BASE_PORT = 15020
DEFAULT_PLANT_START = "2026-07-01T10:00"
"""A summer working day: everything runs, whenever the demonstration is given."""

SPEED_MAX = 3600.0
"""An hour in a second: a step of the plants is then half an hour long."""
_ENDLESS_RUN_S = 366 * 86_400.0
"""How far ahead chance is drawn for a run that nobody has given an end."""

_Site = Annotated[str, typer.Option("--site", help="案場 / which building")]
_SiteDir = Annotated[Path | None, typer.Option("--site-dir", help="案場資料夾 / where to write the site folder")]
_Host = Annotated[str, typer.Option("--host", help="裝置監聽位址 / address that the devices listen on")]
_BasePort = Annotated[int, typer.Option(help="裝置的第一個埠 / first port of the devices; 0 = free ports")]
_ControlPort = Annotated[int, typer.Option(help="控制介面的埠 / port of the control interface; 0 = a free one")]
_Seed = Annotated[int, typer.Option(min=0, help="同一種子，同樣的雜訊 / the same seed gives the same noise")]
_Truth = Annotated[
    Path | None,
    typer.Option("--truth", help="每次故障起訖附加一行 JSON / append a JSON line per fault switched on or off"),
]
_TimedFaults = Annotated[
    list[str] | None,
    typer.Option("--fault", help="稍後發生的故障，可重複 / faults to come: NAME@SECONDS or NAME:TARGET@SECONDS"),
]
_Scenario = Annotated[
    str | None,
    typer.Option("--scenario", help="依劇本發生故障：名稱或 TOML 檔 / faults by plan: a name or a TOML file"),
]
_Speed = Annotated[float, typer.Option(min=0.1, max=SPEED_MAX, help="時間快轉倍數 / plant seconds in a real one")]
_PlantStart = Annotated[str, typer.Option(help="模擬開始的當地時間，或 now / local time the plants start at, or 'now'")]
_ParentDies = Annotated[
    bool, typer.Option("--die-with-parent", help="父行程結束時一併結束 / end when the parent process ends")
]


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    site: _Site = "full",
    site_dir: _SiteDir = None,
    host: _Host = "127.0.0.1",
    base_port: _BasePort = 0,
    control_port: _ControlPort = 0,
    seed: _Seed = 1,
    truth: _Truth = None,
    fault: _TimedFaults = None,
    scenario: _Scenario = None,
    speed: _Speed = 1.0,
    plant_start: _PlantStart = DEFAULT_PLANT_START,
    parent_dies: _ParentDies = False,
) -> None:
    """啟動模擬大樓，直到結束 / Serve a building until SIGTERM or SIGINT; a JSON line on stdout says when it answers."""
    # The protocol libraries take a second to import; the other commands need none of them.
    from cityhall_simulators.serve import die_with_parent, serve  # noqa: PLC0415

    if parent_dies:
        die_with_parent()
    building = _building(site)
    real = datetime.now(ZoneInfo(building.time_zone))
    shift = _shift(plant_start, real)
    strikes = _strikes(fault or (), scenario, Run(building, real + shift, _ENDLESS_RUN_S, seed))
    options = Options(
        site=site,
        folder=site_dir or Path(tempfile.mkdtemp(prefix="cityhall-site-")),
        host=host,
        base_port=base_port,
        control_port=control_port,
        seed=seed,
        truth_file=truth,
        strikes=strikes,
        shift=shift,
        speed=speed,
    )
    _run(serve(options))


@app.command()
def site(
    folder: Annotated[Path, typer.Argument(help="要寫的案場資料夾 / site folder to write")],
    name: _Site = "full",
    host: _Host = "127.0.0.1",
    base_port: _BasePort = BASE_PORT,
) -> None:
    """只寫案場資料夾，金鑰由 run 產生 / Only write the site folder; its secrets come with `run`."""
    building = _building(name)
    write_site(folder, building, host, choose_ports(host, building.port_labels, base_port))
    typer.echo(str(folder))


@app.command()
def faults() -> None:
    """列出所有故障 / Show the table of faults."""
    for row in FAULTS.values():
        texts = f"{row.text.zh} / {row.text.en}"
        typer.echo(f"{row.name:26} {row.reach.value:10} {row.default:14} {texts}")


@app.command()
def scenarios() -> None:
    """列出內附劇本 / Show the scenarios that come along."""
    for name in scenario_names():
        typer.echo(name)


@app.command()
def fault(
    name: Annotated[str, typer.Argument(help="故障名稱 / one of `cityhall-sim faults`")],
    state: Annotated[str, typer.Argument(help="開或關 / on | off")],
    control: Annotated[str, typer.Option(help="run 印出的控制位址 / address that `run` printed")],
    target: Annotated[str | None, typer.Option(help="設備、點位或裝置 / equipment, point or device")] = None,
) -> None:
    """開關執行中模擬器的故障 / Switch a fault on or off in a running simulator."""
    if state not in {"on", "off"}:
        typer.echo("狀態為 on 或 off / state is on or off", err=True)
        raise typer.Exit(2)
    query = f"?target={target}" if target and state == "off" else ""
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
        f"{control.rstrip('/')}/faults/{name}{query}",
        method="PUT" if state == "on" else "DELETE",
        data=json.dumps({"target": target}).encode() if state == "on" else None,
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5.0) as answer:  # noqa: S310
            sys.stdout.write(answer.read().decode() + "\n")
    except urllib.error.HTTPError as error:
        typer.echo(error.read().decode(), err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"模擬器沒有回應 / no simulator answers at {control}: {error}", err=True)
        raise typer.Exit(1) from error


def _run(serving: Coroutine[None, None, None]) -> None:
    """Serve until told to stop; ends the command with a message when a port is taken."""
    try:
        asyncio.run(serving)
    except OSError as error:
        typer.echo(f"無法啟動 / cannot serve: {error}", err=True)
        raise typer.Exit(1) from error


def _building(name: str) -> Building:
    if name not in site_names():
        known = ", ".join(site_names())
        typer.echo(f"沒有這個案場 / no building is called {name!r}; there are: {known}", err=True)
        raise typer.Exit(2)
    return load_building(name)


def _strikes(timed: Sequence[str], scenario: str | None, run: Run) -> tuple[Strike, ...]:
    """Faults by option and by scenario; ends the command with a message when one makes no sense."""
    strikes = tuple(_timed_fault(text, run.building) for text in timed)
    if scenario is None:
        return strikes
    try:
        return strikes + load_scenario(scenario, run)
    except ScenarioError as error:
        typer.echo(f"劇本有誤 / --scenario: {error}", err=True)
        raise typer.Exit(2) from error


def _shift(plant_start: str, real: datetime) -> timedelta:
    """How far the plants' clock is from the real one; ends the command with a message when it makes no sense."""
    if plant_start == "now":
        return timedelta(0)
    try:
        return shift_to(datetime.fromisoformat(plant_start), real)
    except ValueError as error:
        hint = f"--plant-start {plant_start}: write a local time as {DEFAULT_PLANT_START}, or now"
        typer.echo(f"時間格式有誤 / {hint}", err=True)
        raise typer.Exit(2) from error


def _timed_fault(text: str, building: Building) -> Strike:
    """Parse ``NAME[:TARGET]@SECONDS``; ends the command with a message when it makes no sense."""
    what, _, seconds = text.partition("@")
    name, _, target = what.partition(":")
    try:
        return Strike(name, resolve_target(building, FAULTS[name], target or None), float(seconds or 0.0), math.inf)
    except KeyError as error:
        typer.echo(f"沒有這種故障 / no fault is called {name!r}; see `cityhall-sim faults`", err=True)
        raise typer.Exit(2) from error
    except (FaultTargetError, ValueError) as error:
        typer.echo(f"故障設定有誤 / --fault {text}: {error}", err=True)
        raise typer.Exit(2) from error
