"""Read a whole site folder; all of it is checked before anything connects."""

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cityhall_bms.adapters.site_files.calendars import read_schedules
from cityhall_bms.adapters.site_files.commanding import read_commanding
from cityhall_bms.adapters.site_files.csv_file import read_csv
from cityhall_bms.adapters.site_files.devices import DeviceEntry, ProfileShelf, read_devices
from cityhall_bms.adapters.site_files.energy_book import read_energy_book
from cityhall_bms.adapters.site_files.environment import read_environment
from cityhall_bms.adapters.site_files.equipment import (
    EQUIPMENT_COLUMNS,
    EQUIPMENT_FILE,
    EquipmentList,
    read_equipment,
)
from cityhall_bms.adapters.site_files.maintenance import read_maintenance
from cityhall_bms.adapters.site_files.metering import Described, read_metering
from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.models import PlaceTable, SiteFile
from cityhall_bms.adapters.site_files.notifications import read_notifications
from cityhall_bms.adapters.site_files.performance import read_performance
from cityhall_bms.adapters.site_files.points import (
    OPTIONAL_COLUMNS,
    POINTS_COLUMNS,
    POINTS_FILE,
    Surroundings,
    read_points,
)
from cityhall_bms.adapters.site_files.reports import read_reports
from cityhall_bms.adapters.site_files.scheduling import check_scheduling, read_scheduling
from cityhall_bms.adapters.site_files.shedding import read_shedding
from cityhall_bms.adapters.site_files.targets import read_targets
from cityhall_bms.adapters.site_files.tariffs import Known, read_tariffs
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.energy.performance import SiteFacts
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.site import Place, Point, Site, Text
from cityhall_bms.ports.driver import DriverFactory

SITE_FILE = "site.toml"


def load_site(folder: Path, factories: Mapping[str, DriverFactory], profile_folders: Sequence[Path] = ()) -> Site:
    """Read and check a site folder; :class:`SiteError` with every mistake in it.

    ``factories`` are the drivers by protocol; ``profile_folders`` are searched for profiles that the site itself does
    not have. No network is touched: a device that does not answer is no mistake of the folder.
    """
    folder = folder.resolve()
    mistakes = Mistakes()
    if not folder.is_dir():
        mistakes.add(str(folder), 0, "folder", "missing", "name the folder that holds site.toml")
        raise SiteError(mistakes.sorted())
    site, schedules = _read_site(folder, mistakes)
    notifications = read_notifications(folder, site, schedules, mistakes)
    targets = read_targets(folder, schedules.time_zone, mistakes)
    reports = read_reports(folder, notifications, mistakes)
    equipment = read_equipment(read_csv(folder / EQUIPMENT_FILE, EQUIPMENT_FILE, EQUIPMENT_COLUMNS, mistakes), site)
    shelf = ProfileShelf(folder, profile_folders, mistakes)
    devices = read_devices(folder, factories, shelf, mistakes)
    shelf.check_site_profiles()
    rows = read_csv(folder / POINTS_FILE, POINTS_FILE, POINTS_COLUMNS, mistakes, OPTIONAL_COLUMNS)
    points = read_points(rows or [], Surroundings(equipment.lines if equipment.readable else None, devices))
    metering = read_metering(folder, Described(site, points if rows is not None else None), mistakes)
    tariffs = read_tariffs(folder, schedules.time_zone, Known(metering.meters, points), mistakes)
    energy_book = read_energy_book(folder, metering, mistakes)
    environment = read_environment(folder, site, schedules, metering, mistakes)
    performance = read_performance(folder, metering, points, mistakes)
    commanding = read_commanding(folder, equipment.good.values(), points.values(), mistakes)
    shedding = read_shedding(folder, equipment.good, points.values(), mistakes)
    maintenance = read_maintenance(folder, site, equipment.good, points, mistakes)
    scheduling, scheduling_file = read_scheduling(folder, mistakes)
    _ask_drivers(devices or {}, points, factories, mistakes)
    if mistakes or site is None or devices is None:
        raise SiteError(mistakes.sorted())
    found = replace(_site(site, equipment, devices, points), commanding=commanding, environment=environment)
    found = replace(found, energy_book=energy_book, performance=performance, maintenance=maintenance)
    found = replace(found, metering=metering, tariffs=tariffs, shedding=shedding, scheduling=scheduling)
    found = replace(found, schedules=schedules, notifications=notifications, targets=targets, reports=reports)
    if scheduling_file is not None:
        # It is about the whole of the site: points, limits, calendars, places.
        check_scheduling(scheduling_file, found, mistakes)
    if mistakes:
        raise SiteError(mistakes.sorted())
    return found


def _read_site(folder: Path, mistakes: Mistakes) -> tuple[SiteFile | None, Schedules]:
    file = read_toml(folder / SITE_FILE, SITE_FILE, mistakes)
    site = validated(file, SiteFile, mistakes) if file else None
    if file is None or site is None:
        return None, Schedules()
    _check_time_zone(file, site.site.time_zone, mistakes)
    for key, places in (("floors", site.floors), ("zones", site.zones)):
        _check_places(file, key, places, mistakes)
    return site, read_schedules(file, site, folder, site.site.time_zone, mistakes)


def _check_time_zone(file: TomlFile, name: str, mistakes: Mistakes) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        remedy = suggest(name, sorted(zoneinfo.available_timezones()), "write an IANA name, like 'Asia/Taipei'")
        line = file.line("site", "time_zone")
        mistakes.add(file.name, line, "[site] time_zone", f"unknown time zone '{name}'", remedy)


def _check_places(file: TomlFile, key: str, places: Sequence[PlaceTable], mistakes: Mistakes) -> None:
    first: dict[str, int] = {}
    for index, place in enumerate(places):
        line = file.line(key, index, "code")
        if place.code in first:
            message = f"'{place.code}' stands already on line {first[place.code]}"
            mistakes.add(file.name, line, f"[[{key}]] code", message, "delete or rename one of them")
        first.setdefault(place.code, line)


def _ask_drivers(
    devices: Mapping[str, DeviceEntry],
    points: Mapping[str, Point],
    factories: Mapping[str, DriverFactory],
    mistakes: Mistakes,
) -> None:
    """Have every driver check its devices with those of their points that are right so far."""
    points_of: dict[str, list[Point]] = {name: [] for name in devices}
    for point in points.values():
        points_of.setdefault(point.device, []).append(point)
    for entry in devices.values():
        if entry.device is None or entry.file is None:
            continue
        protocol = entry.device.protocol
        for problem in factories[protocol].check(entry.device, points_of[entry.name]):
            if problem.point is not None and problem.point in points:
                line = points[problem.point].line
                mistakes.add(POINTS_FILE, line, problem.field, problem.message, problem.remedy)
            else:
                line = entry.file.line(protocol, *problem.field.split("."))
                field = f"[{protocol}] {problem.field}"
                mistakes.add(entry.file.name, line, field, problem.message, problem.remedy)


def _site(
    file: SiteFile, equipment: EquipmentList, devices: Mapping[str, DeviceEntry], points: Mapping[str, Point]
) -> Site:
    return Site(
        code=file.site.code,
        text=Text(file.site.name_zh, file.site.name_en),
        time_zone=file.site.time_zone,
        simulated=file.site.simulated,
        floors=tuple(_place(place) for place in file.floors),
        zones=tuple(_place(place) for place in file.zones),
        equipment=equipment.good,
        devices={name: entry.device for name, entry in devices.items() if entry.device is not None},
        points=points,
        facts=SiteFacts(file.site.area_m2, file.site.parking_area_m2, file.site.staff),
    )


def _place(table: PlaceTable) -> Place:
    return Place(table.code, Text(table.name_zh, table.name_en))
