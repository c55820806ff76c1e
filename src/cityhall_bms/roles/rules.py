"""The role of the rules: the engine, and the keepers that change alarms without an operator."""

from cityhall_bms.adapters.postgres.alarm_figures import PostgresAnnunciationView
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.lease import Fence
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.flood_keeper import FloodKeeper
from cityhall_bms.alarms.notice_keeper import NoticeKeeper
from cityhall_bms.alarms.shelf_keeper import ShelfKeeper
from cityhall_bms.roles.parts import Loop, Parts, led, together
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.book import keep_book
from cityhall_bms.rules.runner import RulesRunner
from cityhall_bms.site_reading import read_site_rules, read_site_suppression


def loops(parts: Parts) -> list[Loop]:
    """Give what the rules role runs."""
    rules = read_site_rules(parts.folder)
    binding = bind(rules, parts.site, parts.ids)
    suppression = read_site_suppression(parts.folder, parts.site, rules)
    view = PostgresAlarmView(parts.pool, parts.events.listener)
    keeper = ShelfKeeper(view, AlarmDesk(parts.events, parts.clock), parts.clock)
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
        runner = RulesRunner(binding, suppression, parts.telemetry, events, view, parts.clock)
        newest[:] = [runner]
        floods[:] = [FloodKeeper(PostgresAnnunciationView(parts.pool), events, parts.clock)]
        # Before anything can ring by them.
        await keep_book(rules, events, parts.clock)
        notices = NoticeKeeper(parts.site, parts.events, parts.clock)
        await together(runner.run(), floods[0].run(), keeper.run(), notices.run())

    return [led(parts, "rules", work)]
