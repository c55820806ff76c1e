"""Commands, put together: the desk for whoever asks, the commander beside a collector, the ends of overrides."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from random import Random

import asyncpg

from cityhall_bms.adapters.nats.arrays import NatsArrays
from cityhall_bms.adapters.postgres.commands_view import PostgresCommandView
from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.api.command_feed import CommandFeed
from cityhall_bms.api.command_services import CommandServices
from cityhall_bms.collector.collector import Collector
from cityhall_bms.collector.command_deciding import Decider
from cityhall_bms.collector.command_record import CommandRecord
from cityhall_bms.collector.command_writing import array_of
from cityhall_bms.collector.commander import Commander
from cityhall_bms.collector.plant_following import PlantFollower
from cityhall_bms.commanding.bulks import BulkOffice
from cityhall_bms.commanding.examining import Examiner, Grounds
from cityhall_bms.commanding.office import CommandOffice, Procedure
from cityhall_bms.commanding.override_keeper import OverrideKeeper
from cityhall_bms.commanding.streams import PointStreams
from cityhall_bms.domain.commanding.plant import Plant
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import DeviceArrays
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.roles.access import authority
from cityhall_bms.roles.parts import Loop, Parts, together


@dataclass(frozen=True, slots=True)
class CommandBasis:
    """What the parts of commands are put together from."""

    pool: asyncpg.Pool
    events: EventLog
    clock: Clock
    site: Site
    ids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CommandParts:
    """The view and the desks of one process."""

    view: PostgresCommandView
    office: CommandOffice
    bulks: BulkOffice

    def services(self, clock: Clock, events: EventLog, arrays: DeviceArrays) -> CommandServices:
        """What the API needs of them."""
        return CommandServices(self.view, self.office, self.bulks, CommandFeed(self.view, events, clock), arrays)

    @classmethod
    def of(cls, basis: CommandBasis, plant: Plant | None = None) -> "CommandParts":
        """Put them together; without a ``plant`` its checks are left to the collector."""
        site, events, clock = basis.site, basis.events, basis.clock
        grounds = Grounds(site, basis.ids, PostgresPermitView(basis.pool), authority(events), clock, plant)
        examiner, view = Examiner(grounds), PostgresCommandView(basis.pool, events)
        procedure = Procedure(site.commanding.times, clock)
        office = CommandOffice(examiner, PointStreams(view, events), view, procedure, secrets.token_urlsafe)
        return cls(view, office, BulkOffice(examiner, view, events, procedure, secrets.token_hex))


def override_keeper(parts: Parts, events: EventLog) -> Loop:
    """What ends manual overrides."""
    commands = CommandParts.of(CommandBasis(parts.pool, events, parts.clock, parts.site, parts.ids))
    return OverrideKeeper(commands.view, commands.office, parts.clock).run()


def commander(parts: Parts, collector: Collector, random: Random) -> Loop:
    """What carries out commands beside a collector."""
    follower = PlantFollower(collector, parts.history, parts.clock)
    decider = Decider(collector, follower, PostgresPermitView(parts.pool), authority(parts.events), parts.clock)
    view = PostgresCommandView(parts.pool, parts.events)
    record = CommandRecord(collector.name, view, parts.events, parts.clock, random)
    commanding = Commander(collector, decider, follower, record, parts.clock)
    watch = parts.metrics.watch
    watch("commands_done", "Commands that were carried out and proved.", lambda: commanding.done)
    watch("commands_failed", "Commands that failed, or that a device went back on.", lambda: commanding.failed)
    watch("commands_refused", "Commands that the last check before the write refused.", lambda: commanding.refused)
    arrays = NatsArrays(parts.telemetry.client, parts.site.code)
    return together(commanding.run(), arrays.answer(partial(array_of, collector)))
