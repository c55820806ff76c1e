"""``notifications.toml``: who is told of which alarms. Addresses are not here but with the secrets."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.models import NotificationsFile, SiteFile
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.notifications import Channel, Duty, Group, NotificationPlan, Person, Quiet, Route

NOTIFICATIONS_FILE: Final = "notifications.toml"


def read_notifications(
    folder: Path, site: SiteFile | None, schedules: Schedules, mistakes: Mistakes
) -> NotificationPlan:
    """The plan of a site folder; one that tells nobody where there is no such file."""
    path = folder / NOTIFICATIONS_FILE
    if not path.exists():
        return NotificationPlan()
    file = read_toml(path, NOTIFICATIONS_FILE, mistakes)
    tables = validated(file, NotificationsFile, mistakes) if file else None
    if file is None or tables is None:
        return NotificationPlan()
    _Check(file, mistakes).everything(tables, site, schedules)
    return _plan(tables)


class _Check:
    """Every name in the file means something; each mistake gets its line."""

    def __init__(self, file: TomlFile, mistakes: Mistakes) -> None:
        self._file = file
        self._mistakes = mistakes

    def everything(self, tables: NotificationsFile, site: SiteFile | None, schedules: Schedules) -> None:
        channels, people = [table.name for table in tables.channel], [table.name for table in tables.person]
        groups = [table.name for table in tables.group]
        for kind, names in (("channel", channels), ("person", people), ("group", groups)):
            self._once(kind, names)
        for index, person in enumerate(tables.person):
            self._known("channel", person.channels, channels, "person", index, "channels")
        for index, group in enumerate(tables.group):
            self._known("person", group.people, people, "group", index, "people")
            for number, duty in enumerate(group.duty):
                self._known("person", duty.people, people, "group", index, "duty", number, "people")
                self._known("schedule", [duty.schedule], schedules.names, "group", index, "duty", number, "schedule")
        for index, route in enumerate(tables.route):
            self._known("group", [route.group], groups, "route", index, "group")
            if site is not None:
                self._known("place", route.places, _places(site), "route", index, "places")
        for index, quiet in enumerate(tables.quiet):
            self._known("schedule", [quiet.schedule], schedules.names, "quiet", index, "schedule")

    def _once(self, kind: str, names: Sequence[str]) -> None:
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            line = self._file.line(kind, index, "name")
            if name in first:
                message = f"'{name}' stands already on line {first[name]}"
                self._mistakes.add(self._file.name, line, f"[[{kind}]] name", message, "delete or rename one of them")
            first.setdefault(name, line)

    def _known(self, what: str, names: Sequence[str], known: Collection[str], *place: str | int) -> None:
        for name in names:
            if name not in known:
                field = f"[[{'.'.join(str(part) for part in place[:-1] if isinstance(part, str))}]] {place[-1]}"
                line = self._file.line(*place)
                self._mistakes.add(self._file.name, line, field, f"unknown {what} '{name}'", suggest(name, known))


def _places(site: SiteFile) -> list[str]:
    """Floors, and zones of floors, as routes may name them."""
    floors = [floor.code for floor in site.floors]
    return [*floors, *(f"{floor}.{zone.code}" for floor in floors for zone in site.zones)]


def _plan(tables: NotificationsFile) -> NotificationPlan:
    general = tables.notifications
    groups = (
        Group(
            group.name,
            group.text,
            tuple(group.people),
            tuple(Duty(duty.schedule, tuple(duty.people)) for duty in group.duty),
        )
        for group in tables.group
    )
    routes = (
        Route(
            route.group,
            tuple(route.priorities),
            tuple(route.systems),
            tuple(route.places),
            route.level,
            route.returned,
        )
        for route in tables.route
    )
    return NotificationPlan(
        link=general.link,
        again_after_s=general.again_after_s,
        flood_after=general.flood_after,
        flood_period_s=general.flood_period_s,
        channels={table.name: Channel(table.name, tuple(table.priorities)) for table in tables.channel},
        people={table.name: Person(table.name, table.text, tuple(table.channels)) for table in tables.person},
        groups={group.name: group for group in groups},
        routes=tuple(routes),
        quiet=tuple(Quiet(table.schedule, tuple(table.priorities)) for table in tables.quiet),
    )
