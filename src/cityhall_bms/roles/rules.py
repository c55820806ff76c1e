"""The role of the rules: the engine, and the keepers that change alarms without an operator."""

from cityhall_bms.adapters.postgres.alarm_figures import PostgresAnnunciationView
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.lease import Fence
from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.flood_keeper import FloodKeeper
from cityhall_bms.alarms.follow_up import FollowUpKeeper
from cityhall_bms.alarms.notice_keeper import NoticeKeeper
from cityhall_bms.alarms.permits import PermitKeeper, PermitOffice
from cityhall_bms.alarms.shelf_keeper import ShelfKeeper
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.read_models import AlarmView
from cityhall_bms.roles.commanding import override_keeper
from cityhall_bms.roles.comparing import target_keeper
from cityhall_bms.roles.demand import steering
from cityhall_bms.roles.maintaining import overdue_keeper
from cityhall_bms.roles.notifying import notifying
from cityhall_bms.roles.parts import Loop, Parts, led, together
from cityhall_bms.roles.reporting import report_keeper
from cityhall_bms.roles.ruling import by_the_book
from cityhall_bms.roles.scheduling import schedule_keeper
from cityhall_bms.rules.binding import points_watched
from cityhall_bms.rules.runner import RulesRunner
from cityhall_bms.site_reading import described_rules, read_site_suppression


def loops(parts: Parts) -> list[Loop]:
    """Give what the rules role runs."""
    described = described_rules(parts.folder)
    view = PostgresAlarmView(parts.pool, parts.events.listener)
    suppression = read_site_suppression(parts.folder, parts.site, list(described.values()))
    notify = notifying(parts, view, described)
    watched = points_watched(described.values(), parts.site)
    newest: list[RulesRunner] = []
    floods: list[FloodKeeper] = []
    watch = parts.metrics.watch
    watch("rules_steps", "Ticks that the rules engine evaluated.", lambda: newest[0].steps if newest else 0)
    watch("rules_position", "Telemetry position that the rules reflect.", lambda: newest[0].position if newest else 0)
    watch("alarm_flood", "1 while more alarms ring than a person can follow.", lambda: bool(floods and floods[0].on))
    watch("alarm_rings_10_min", "Alarms that rang in ten minutes.", lambda: floods[0].rang if floods else 0)

    async def work(fence: Fence) -> None:
        # A new one each time: what another process decided meanwhile is in the log.
        events = parts.events.behind(fence)
        floods[:] = [FloodKeeper(PostgresAnnunciationView(parts.pool), events, parts.clock)]
        ruling = by_the_book(parts, events, view, described, newest)
        notices = NoticeKeeper(parts.site, parts.events, view, suppression, watched, parts.clock)
        keepers = _keepers(parts, view, events)
        await together(
            *ruling,
            floods[0].run(),
            *keepers,
            notices.run(),
            notify(events),
            steering(parts, events),
            report_keeper(parts, events),
        )

    return [led(parts, "rules", work)]


def _keepers(parts: Parts, view: AlarmView, events: EventLog) -> list[Loop]:
    """What becomes due by itself: ends of shelves, permits and overrides, steps up the chain, ends of repairs."""
    clock, permits = parts.clock, PostgresPermitView(parts.pool)
    return [
        ShelfKeeper(view, AlarmDesk(view, events, clock), clock).run(),
        PermitKeeper(permits, PermitOffice(parts.site, events, clock), clock).run(),
        target_keeper(parts, events).run(),
        override_keeper(parts, events),
        overdue_keeper(parts, events),
        schedule_keeper(parts, events),
        FollowUpKeeper(view, permits, events, clock, parts.settings.alarms.handling).run(),
    ]
