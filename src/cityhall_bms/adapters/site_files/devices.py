"""``devices/*.toml`` and the profiles that they use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.site_files.mistakes import Mistakes, near, suggest
from cityhall_bms.adapters.site_files.models import DeviceTable, ProfileFile, ProfilePoint
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.site import Device, Text
from cityhall_bms.domain.units import UNITS, find_unit

_NAME: Final = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Profile:
    """A register map or object list, by role."""

    name: str
    protocol: str
    points: Mapping[str, ProfilePoint]


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device file. ``device`` is none when the file has mistakes; its points still know that it is there."""

    name: str
    file: TomlFile | None = None
    device: Device | None = None
    profile: Profile | None = None
    profile_name: str | None = None


@dataclass(slots=True)
class ProfileShelf:
    """Profiles of the site, then those of the installed drivers; each is read once."""

    site_folder: Path
    further_folders: Sequence[Path]
    mistakes: Mistakes
    _read: dict[Path, Profile | None] = field(default_factory=dict)

    def folders(self) -> list[Path]:
        """Where profiles are looked for, in this order."""
        return [self.site_folder / "profiles", *self.further_folders]

    def path(self, name: str) -> Path | None:
        """File of a profile; none when there is no such profile."""
        return next((path for folder in self.folders() if (path := folder / f"{name}.toml").is_file()), None)

    def names(self) -> list[str]:
        """Every profile there is."""
        return sorted({path.stem for folder in self.folders() for path in folder.glob("*.toml")})

    def take(self, path: Path) -> Profile | None:
        """Give the profile of a file; none after noting its mistakes, which happens once."""
        if path not in self._read:
            self._read[path] = _profile(path, self._shown(path), self.mistakes)
        return self._read[path]

    def check_site_profiles(self) -> None:
        """Read also those profiles of the site that no device uses."""
        for path in sorted((self.site_folder / "profiles").glob("*.toml")):
            self.take(path)

    def _shown(self, path: Path) -> str:
        own = path.is_relative_to(self.site_folder)
        return (
            path.relative_to(self.site_folder).as_posix() if own else f"{path.parent.parent.name}/profiles/{path.name}"
        )


def _profile(path: Path, name: str, mistakes: Mistakes) -> Profile | None:
    file = read_toml(path, name, mistakes)
    model = validated(file, ProfileFile, mistakes) if file else None
    if file is None or model is None:
        return None
    first: dict[str, int] = {}
    points: dict[str, ProfilePoint] = {}
    for index, point in enumerate(model.point):
        line = file.line("point", index, "role")
        if point.role in first:
            message = f"role '{point.role}' stands already on line {first[point.role]}"
            mistakes.add(name, line, "[[point]] role", message, "delete or rename one of them")
        first.setdefault(point.role, line)
        points[point.role] = _usable(point, file, index, mistakes)
    return Profile(path.stem, model.profile.protocol, points)


def _usable(point: ProfilePoint, file: TomlFile, index: int, mistakes: Mistakes) -> ProfilePoint:
    """Drop what is wrong after noting it, so that one mistake here is not reported by every point that uses it."""
    wrong: dict[str, None] = {}
    if point.unit and find_unit(point.unit) is None:
        line = file.line("point", index, "unit")
        mistakes.add(file.name, line, "[[point]] unit", f"unknown unit '{point.unit}'", suggest(point.unit, UNITS))
        wrong["unit"] = None
    if point.low is not None and point.high is not None and point.low > point.high:
        message = f"low ({point.low:g}) is greater than high ({point.high:g})"
        line = file.line("point", index, "low")
        mistakes.add(file.name, line, "[[point]] low", message, "exchange the two, or correct one")
        wrong |= {"low": None, "high": None}
    return point.model_copy(update=wrong) if wrong else point


def read_devices(
    folder: Path, protocols: Iterable[str], shelf: ProfileShelf, mistakes: Mistakes
) -> dict[str, DeviceEntry] | None:
    """Every file of ``devices/`` by name; none when there is no such folder."""
    if not (folder / "devices").is_dir():
        mistakes.add("devices", 0, "folder", "missing", "create the folder 'devices' with one TOML file per device")
        return None
    known = sorted(protocols)
    entries = {}
    for path in sorted((folder / "devices").glob("*.toml")):
        entries[path.stem] = _entry(path, folder, known, shelf, mistakes)
    return entries


def _entry(path: Path, folder: Path, protocols: list[str], shelf: ProfileShelf, mistakes: Mistakes) -> DeviceEntry:
    shown = f"devices/{path.name}"
    if not _NAME.fullmatch(path.stem):
        remedy = "rename the file: small letters, digits and '-' only"
        mistakes.add(shown, 0, "file", f"'{path.stem}' is no device name", remedy)
    file = read_toml(path, shown, mistakes)
    if file is None:
        return DeviceEntry(path.stem)
    table = _device_table(file, mistakes)
    _check_tables(file, protocols, mistakes)
    if table is None:
        return DeviceEntry(path.stem, file, profile_name=_text(file, "profile"))
    profile = _chosen_profile(file, table, shelf, mistakes)
    settings = file.data.get(table.protocol)
    if table.protocol not in protocols or not isinstance(settings, dict):
        return DeviceEntry(path.stem, file, profile_name=table.profile)
    device = Device(
        name=path.stem,
        text=Text(table.text_zh, table.text_en),
        protocol=table.protocol,
        settings=settings,
        timeout_s=table.timeout_s,
        maintenance=table.maintenance,
        retry_min_s=table.retry_min_s,
        retry_max_s=table.retry_max_s,
        folder=str(folder),
    )
    return DeviceEntry(path.stem, file, device, profile, table.profile)


def _text(file: TomlFile, key: str) -> str | None:
    table = file.data.get("device")
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else None


def _device_table(file: TomlFile, mistakes: Mistakes) -> DeviceTable | None:
    if not isinstance(file.data.get("device"), dict):
        mistakes.add(file.name, 1, "[device]", "missing", "begin the file with the table [device]")
        return None
    return validated(file, DeviceTable, mistakes, "device")


def _check_tables(file: TomlFile, protocols: list[str], mistakes: Mistakes) -> None:
    """Besides ``[device]`` there is exactly the table of its protocol."""
    protocol = _text(file, "protocol")
    if protocol is None:
        return
    if protocol not in protocols:
        line = file.line("device", "protocol")
        mistakes.add(
            file.name, line, "[device] protocol", f"unknown protocol '{protocol}'", suggest(protocol, protocols)
        )
        return
    others = [key for key in file.data if key not in {"device", protocol}]
    for key in others:
        remedy = f"did you mean [{protocol}]?" if near(key, [protocol]) else f"delete it; this device speaks {protocol}"
        mistakes.add(file.name, file.line(key), f"[{key}]", "unknown table", remedy)
    if not isinstance(file.data.get(protocol), dict) and not any(near(key, [protocol]) for key in others):
        message = f"protocol is '{protocol}', but there is no table [{protocol}]"
        mistakes.add(
            file.name, file.line("device", "protocol"), f"[{protocol}]", message, f"add the table [{protocol}]"
        )


def _chosen_profile(file: TomlFile, table: DeviceTable, shelf: ProfileShelf, mistakes: Mistakes) -> Profile | None:
    if table.profile is None:
        return None
    line = file.line("device", "profile")
    path = shelf.path(table.profile)
    if path is None:
        remedy = suggest(table.profile, shelf.names(), f"create profiles/{table.profile}.toml")
        mistakes.add(file.name, line, "[device] profile", f"missing profile '{table.profile}'", remedy)
        return None
    profile = shelf.take(path)
    if profile is not None and profile.protocol != table.protocol:
        message = f"profile '{table.profile}' is for {profile.protocol}, this device speaks {table.protocol}"
        mistakes.add(file.name, line, "[device] profile", message, f"choose a profile for {table.protocol}")
    return profile
