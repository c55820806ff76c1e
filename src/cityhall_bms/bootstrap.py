"""Joins the roles that a process is told to run, and prepares the database for them."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.backing_up import migrate_safely
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.roles import api, collector, historian, rules
from cityhall_bms.roles.parts import Loop, Parts, open_parts, pooled
from cityhall_bms.settings import Settings
from cityhall_bms.site_reading import read_site, read_site_rules, read_site_suppression

BUILD: Final[Mapping[str, Callable[[Parts], list[Loop]]]] = {
    "collector": collector.loops,
    "historian": historian.loops,
    "rules": rules.loops,
    "api": api.loops,
}
ROLES: Final = tuple(BUILD)
STOP_WITHIN_S: Final = 20


class RoleError(CityHallError):
    """A role that does not exist."""


def parse_roles(text: str) -> tuple[str, ...]:
    """Roles of ``all`` or a list with commas; :class:`RoleError` for an unknown one."""
    chosen = ROLES if text == "all" else tuple(part.strip() for part in text.split(","))
    for role in chosen:
        if role not in ROLES:
            msg = f"--roles {text}: there is no role '{role}'; take all, or some of {', '.join(ROLES)}"
            raise RoleError(msg)
    return chosen


async def prepare(folder: Path, settings: Settings, clock: Clock) -> None:
    """Bring the schema up to date and take the site into service, before any role starts."""
    site = read_site(folder)
    read_site_suppression(folder, site, read_site_rules(folder))
    await migrate_safely(settings, clock)
    async with PostgresEventLog(settings.database.url, clock) as events, pooled(settings) as pool:
        await PostgresPointRegistry(pool, events).apply(site, actor="system")


async def work(folder: Path, settings: Settings, roles: Sequence[str], clock: Clock) -> None:
    """Run roles in this process until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_parts(folder, settings, clock) as parts, asyncio.TaskGroup() as tasks:
        loops = [loop for role in roles for loop in BUILD[role](parts)]
        running = [tasks.create_task(loop) for loop in (*loops, parts.metrics.run())]
        await stop.wait()
        # The kernel ends us if we cannot: a process that hears no one must not outlive its supervisor.
        signal.alarm(STOP_WITHIN_S)
        for task in running:
            task.cancel()
