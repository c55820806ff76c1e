"""The ``cityhall-sim`` command."""

from pathlib import Path
from typing import Annotated

import typer

from cityhall_simulators.description import load_building
from cityhall_simulators.site_folder import write_site

app = typer.Typer(add_completion=False, no_args_is_help=True, help="模擬市政大樓 / The simulated city hall.")

BASE_PORT = 15020


@app.callback()
def _root() -> None:
    """模擬市政大樓 / The simulated city hall."""


@app.command()
def site(
    folder: Annotated[Path, typer.Argument(help="site folder to write")],
    name: Annotated[str, typer.Option("--site", help="which building")] = "small",
    host: str = "127.0.0.1",
    base_port: int = BASE_PORT,
) -> None:
    """Write the site folder for simulators that will listen from BASE_PORT on; secrets come with ``run``."""
    building = load_building(name)
    write_site(folder, building, host, {label: base_port + i for i, label in enumerate(building.port_labels)})
    typer.echo(str(folder))
