"""A generated site folder, read by hand: what a test needs to know of it without the service's reader."""

import csv
import tomllib
from pathlib import Path
from typing import Any


def point_rows(site: Path) -> list[dict[str, str]]:
    """Rows of ``points.csv``."""
    with (site / "points.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def equipment_rows(site: Path) -> list[dict[str, str]]:
    """Rows of ``equipment.csv``."""
    with (site / "equipment.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def device_file(site: Path, name: str) -> dict[str, Any]:
    """The whole file of a device."""
    return tomllib.loads((site / "devices" / f"{name}.toml").read_text(encoding="utf-8"))


def device_table(site: Path, name: str) -> dict[str, Any]:
    """The protocol's own table of a device."""
    file = device_file(site, name)
    return dict(file[file["device"]["protocol"]])


def profile_points(site: Path, name: str) -> dict[str, dict[str, Any]]:
    """Points of a profile by role."""
    file = tomllib.loads((site / "profiles" / f"{name}.toml").read_text(encoding="utf-8"))
    return {point["role"]: point for point in file["point"]}
