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

_SiteName = Annotated[str, typer.Option("--site", help="which building")]


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    site: _SiteName = "full",
    site_dir: Annotated[Path | None, typer.Option(help="where to write the site folder")] = None,
    host: str = "127.0.0.1",
    base_port: Annotated[int, typer.Option(help="first port of the devices; 0 = free ports")] = 0,
    control_port: Annotated[int, typer.Option(help="port of the control interface; 0 = a free one")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same noise")] = 1,
    truth: Annotated[Path | None, typer.Option(help="append a JSON line per fault switched on or off")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="NAME@SECONDS or NAME:TARGET@SECONDS")] = None,
    scenario: Annotated[str | None, typer.Option(help="faults by plan: a name or a TOML file")] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=SPEED_MAX, help="plant seconds in a real one")] = 1.0,
    plant_start: Annotated[str, typer.Option(help="local time the plants start at, or 'now'")] = DEFAULT_PLANT_START,
    parent_dies: Annotated[bool, typer.Option("--die-with-parent", help="end when the parent process ends")] = False,
) -> None:
    """Serve a building until SIGTERM or SIGINT; one JSON line on stdout says when it answers."""
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
    folder: Annotated[Path, typer.Argument(help="site folder to write")],
    name: _SiteName = "full",
    host: str = "127.0.0.1",
    base_port: int = BASE_PORT,
) -> None:
    """Write the site folder of simulators that listen from BASE_PORT on; its secrets come with ``run``."""
    building = _building(name)
    write_site(folder, building, host, choose_ports(host, building.port_labels, base_port))
    typer.echo(str(folder))


@app.command()
def faults() -> None:
    """Show the table of faults."""
    for row in FAULTS.values():
        texts = f"{row.text.zh} / {row.text.en}"
        typer.echo(f"{row.name:26} {row.reach.value:10} {row.default:14} {texts}")


@app.command()
def scenarios() -> None:
    """Show the scenarios that come along."""
    for name in scenario_names():
        typer.echo(name)


@app.command()
def fault(
    name: Annotated[str, typer.Argument(help="one of `cityhall-sim faults`")],
    state: Annotated[str, typer.Argument(help="on | off")],
    control: Annotated[str, typer.Option(help="address that `run` printed")],
    target: Annotated[str | None, typer.Option(help="equipment, point or device")] = None,
) -> None:
    """Switch a fault on or off in a running simulator."""
    if state not in {"on", "off"}:
        typer.echo("state is on or off", err=True)
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
        typer.echo(f"no simulator answers at {control}: {error}", err=True)
        raise typer.Exit(1) from error


def _run(serving: Coroutine[None, None, None]) -> None:
    """Serve until told to stop; ends the command with a message when a port is taken."""
    try:
        asyncio.run(serving)
    except OSError as error:
        typer.echo(f"cannot serve: {error}", err=True)
        raise typer.Exit(1) from error


def _building(name: str) -> Building:
    if name not in site_names():
        typer.echo(f"no building is called {name!r}; there are: {', '.join(site_names())}", err=True)
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
        typer.echo(f"--scenario: {error}", err=True)
        raise typer.Exit(2) from error


def _shift(plant_start: str, real: datetime) -> timedelta:
    """How far the plants' clock is from the real one; ends the command with a message when it makes no sense."""
    if plant_start == "now":
        return timedelta(0)
    try:
        return shift_to(datetime.fromisoformat(plant_start), real)
    except ValueError as error:
        typer.echo(f"--plant-start {plant_start}: write a local time as {DEFAULT_PLANT_START}, or now", err=True)
        raise typer.Exit(2) from error


def _timed_fault(text: str, building: Building) -> Strike:
    """Parse ``NAME[:TARGET]@SECONDS``; ends the command with a message when it makes no sense."""
    what, _, seconds = text.partition("@")
    name, _, target = what.partition(":")
    try:
        return Strike(name, resolve_target(building, FAULTS[name], target or None), float(seconds or 0.0), math.inf)
    except KeyError as error:
        typer.echo(f"no fault is called {name!r}; see `cityhall-sim faults`", err=True)
        raise typer.Exit(2) from error
    except (FaultTargetError, ValueError) as error:
        typer.echo(f"--fault {text}: {error}", err=True)
        raise typer.Exit(2) from error
