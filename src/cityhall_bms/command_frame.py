"""What all commands have in common: settings by flags, words instead of traces, an exit status."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, TypeVar

import typer
import uvloop

from cityhall_bms.adapters.site_files.render import render_problems
from cityhall_bms.domain.errors import CityHallError, SiteError
from cityhall_bms.settings import Settings, load_settings

ResultT = TypeVar("ResultT")

SiteFolder = Annotated[Path, typer.Argument(metavar="SITE", help="案場資料夾 / the site folder")]
Config = Annotated[Path | None, typer.Option("--config", help="設定檔 / settings (TOML)")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="資料存放處 / where data lie")]


def settings_of(
    config: Path | None, data_dir: Path | None, host: str | None = None, port: int | None = None
) -> Settings:
    """Settings with the flags of a command; ends the command with words when they make no sense."""
    api = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    flags = {key: value for key, value in (("data_dir", data_dir), ("api", api)) if value}
    return ending_well(lambda: load_settings(config, **flags))


def ending_well(work: Callable[[], ResultT]) -> ResultT:
    """Turn what went wrong into words and an exit status."""
    try:
        return work()
    except SiteError as error:
        typer.echo(render_problems(error.problems), err=True)
        raise typer.Exit(1) from None
    except CityHallError as error:
        typer.echo(f"錯誤 error: {error}", err=True)
        raise typer.Exit(1) from None


def run(main: Callable[[], Coroutine[None, None, ResultT]]) -> ResultT:
    """Run a coroutine to its end; Ctrl-C is an ordinary end."""

    def body() -> ResultT:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(main())
        except* CityHallError as group:
            raise _first(group) from None
        sys.exit(1)  # never reached: a group is always raised again

    try:
        return ending_well(body)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the first leaf of a tree of errors."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
