"""Find the drivers that are installed. The service knows them by name only and never imports them itself."""

import importlib.util
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import ConfigProblem, Driver, DriverFactory

GROUP: Final = "cityhall_bms.drivers"


class BrokenDriver:
    """Stands in for a driver that cannot be loaded: its devices are refused, all others work."""

    def __init__(self, protocol: str, reason: str) -> None:
        self._protocol = protocol
        self._reason = reason

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:  # noqa: ARG002 - DriverFactory
        """Report, for every device, why its driver is not there."""
        message = f"the driver '{self._protocol}' cannot be loaded: {self._reason}"
        return [ConfigProblem("driver", message, "install the package of this driver again")]

    def endpoint(self, device: Device) -> str:
        """Give the device's name: nobody can read its settings."""
        return device.name

    def create(self, device: Device, clock: Clock) -> Driver:  # noqa: ARG002 - DriverFactory
        """Refuse."""
        msg = f"{device.name}: the driver '{self._protocol}' cannot be loaded: {self._reason}"
        raise DriverConfigError(msg)


def find_factories(entries: Sequence[EntryPoint] | None = None) -> dict[str, DriverFactory]:
    """Make the factory of every installed driver, by protocol; one that fails is a :class:`BrokenDriver`."""
    found = _installed() if entries is None else entries
    return {entry.name: _factory(entry) for entry in found}


def find_profile_folders(entries: Sequence[EntryPoint] | None = None) -> list[Path]:
    """Folders ``profiles/`` that come with the installed drivers; nothing is imported."""
    folders: dict[Path, None] = {}
    for entry in _installed() if entries is None else entries:
        spec = importlib.util.find_spec(entry.module.partition(".")[0])
        for location in (spec.submodule_search_locations or []) if spec else []:
            folder = Path(location) / "profiles"
            if folder.is_dir():
                folders[folder] = None
    return list(folders)


def _installed() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def _factory(entry: EntryPoint) -> DriverFactory:
    try:
        factory: DriverFactory = entry.load()()
    except Exception as error:  # noqa: BLE001 - whatever somebody's driver raises, the others must work
        return BrokenDriver(entry.name, f"{entry.value}: {type(error).__name__}: {error}")
    return factory
