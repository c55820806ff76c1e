"""``cityhall-sim history``: years of a building, written to a folder."""

import fnmatch
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cityhall_simulators.description import Building, Point, load_building, site_names
from cityhall_simulators.history.days import Span, SpanError, interval_s, local_day
from cityhall_simulators.history.folder import TRUTH, HistoryFolderError, make_room, write_history
from cityhall_simulators.history.recorder import record
from cityhall_simulators.scenarios import Run, ScenarioError, load_scenario

_Scenario = Annotated[
    str | None, typer.Option(help="依劇本發生故障：名稱或 TOML 檔 / faults by plan: a name or a TOML file")
]
_Wanted = Annotated[
    list[str] | None, typer.Option("--point", help="只寫這些點位，可用 * / write these points only; * stands for many")
]


def history(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    site: Annotated[str, typer.Argument(help="案場 / which building")],
    folder: Annotated[Path, typer.Argument(help="要寫的資料夾 / folder to write")],
    first: Annotated[str, typer.Option("--from", help="第一天 / first day, YYYY-MM-DD")],
    until: Annotated[str, typer.Option("--to", help="最後一天的次日 / day after the last one")],
    interval: Annotated[str, typer.Option(help="取樣間隔 / between two samples of a point: 1m, 15m, 1h, …")] = "15m",
    seed: Annotated[int, typer.Option(min=0, help="同一種子，同樣的檔案 / the same seed gives the same bytes")] = 1,
    scenario: _Scenario = None,
    wanted: _Wanted = None,
) -> None:
    """產生數天至數年的歷史資料與真值 / Write days or years of samples with their truth, for `cityhall-bms import`."""
    if site not in site_names():
        _refuse(f"沒有這個案場 / no building is called {site!r}; there are: {', '.join(site_names())}")
    building = load_building(site)
    points = _chosen(building, wanted)
    begun_s = time.monotonic()
    try:
        zone = ZoneInfo(building.time_zone)
        span = Span(local_day(first), local_day(until), interval_s(interval), zone)
        run = Run(building, next(span.moments(span.first)), span.lasts_s, seed)
        strikes = () if scenario is None else load_scenario(scenario, run)
        if thrown := make_room(folder):
            told = f"未完成的歷史資料重新產生 / an unfinished history ({thrown} files) is made anew"
            typer.echo(f"{folder}: {told}", err=True)
        steps = sum(len(span.times_us(day)) for day in span.days)
        with _progress(steps, len(points)) as on_step:
            days = record(run, span, strikes, folder / TRUTH, on_step, points)
            size = write_history(folder, replace(building, points=points), seed, span, days)
    except (SpanError, HistoryFolderError, ScenarioError) as error:
        _refuse(f"錯誤 error: {error}")
    except OSError as error:
        typer.echo(f"無法寫入 / cannot write {folder}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    samples = steps * len(points)
    typer.echo(
        f"{folder}: 已產生 written: {len(span.days)} days, {len(points)} points, {samples:,} samples, "
        f"{size / 1e6:,.1f} MB, {time.monotonic() - begun_s:.1f} s"
    )


def _chosen(building: Building, wanted: list[str] | None) -> tuple[Point, ...]:
    """Points that one of the patterns fits, in their order; all without a pattern."""
    patterns = wanted or ["*"]
    for pattern in patterns:
        if not fnmatch.filter(building.by_name, pattern):
            _refuse(f"沒有點位符合 / no point fits {pattern!r}")
    return tuple(p for p in building.points if any(fnmatch.fnmatchcase(p.name, pattern) for pattern in patterns))


def _refuse(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)


@contextmanager
def _progress(steps: int, points: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr, with rate and time that remains; nothing where no person looks."""
    columns = (TextColumn("{task.percentage:>3.0f} %"), BarColumn(), TextColumn("{task.fields[rate]}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=steps, rate="")
        begun_s = time.monotonic()
        done = 0

        def on_step() -> None:
            nonlocal done
            done += 1
            rate = done * points / max(time.monotonic() - begun_s, 1e-3)
            bar.update(task, completed=done, rate=f"{rate / 1e6:.2f} M samples/s")

        yield on_step
