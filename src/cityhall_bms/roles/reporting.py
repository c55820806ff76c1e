"""Reports: what they are put together from, where they are asked for, and who has them made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from cityhall_bms.adapters.postgres.alarm_figures import PostgresAnnunciationView
from cityhall_bms.adapters.postgres.commands_view import PostgresCommandView
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore
from cityhall_bms.adapters.postgres.hand_overs_view import PostgresHandOverView
from cityhall_bms.adapters.postgres.past_view import PostgresPastView
from cityhall_bms.adapters.postgres.reports_view import PostgresReportView
from cityhall_bms.adapters.postgres.rules_view import PostgresRuleView
from cityhall_bms.adapters.report_desk import ACTOR, ReportKeeper, ReportOffice, ReportWriter
from cityhall_bms.adapters.report_files.html import PAGE_POLICY, html_page
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.alarms.keeping import keep
from cityhall_bms.api.report_services import ReportServices
from cityhall_bms.domain.energy.night_flow import NightLimits
from cityhall_bms.domain.indoor_air import LegalMean
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.indoor_air import IndoorAir
from cityhall_bms.energy.water import Water
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.queries import HistoryQueries
from cityhall_bms.reports.gathering import ReportMaker
from cityhall_bms.reports.sources import ReportSources
from cityhall_bms.roles.energy import EnergyBasis, EnergyParts
from cityhall_bms.roles.maintaining import planning
from cityhall_bms.roles.parts import Loop, Parts
from cityhall_bms.rules.book import worded
from cityhall_bms.rules.files import library
from cityhall_bms.rules.legal_means import legal_means
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.night_limits import night_limits
from cityhall_bms.settings import Settings, child_environment
from cityhall_bms.site_reading import described_rules, in_force


@dataclass(frozen=True, slots=True)
class ReportBasis:
    """What reports are made of."""

    folder: Path
    """The site folder."""
    settings: Settings
    pool: asyncpg.Pool
    events: EventLog
    clock: Clock
    site: Site
    ids: Mapping[str, int]
    queries: HistoryQueries

    @classmethod
    def of(cls, parts: Parts) -> "ReportBasis":
        """Give that of a role."""
        return cls(
            parts.folder,
            parts.settings,
            parts.pool,
            parts.events,
            parts.clock,
            parts.site,
            parts.ids,
            parts.history.queries,
        )


def report_maker(basis: ReportBasis) -> ReportMaker:
    """Who makes reports."""
    site, clock = basis.site, basis.clock
    counters = PostgresCounterView(basis.pool, clock, site.time_zone)
    settings = basis.settings
    energy = EnergyParts.of(
        EnergyBasis(
            basis.pool,
            basis.events,
            clock,
            site,
            basis.ids,
            basis.queries,
            counters,
            settings.energy,
            settings.document_folder,
        )
    ).services
    rules = _Rules(described_rules(basis.folder), PostgresRuleView(basis.pool), site)
    return ReportMaker(
        ReportSources(
            site=site,
            reader=energy.reader,
            comparer=energy.comparison.comparer,
            emissions=energy.comparison.emissions,
            accounts=energy.accounts,
            demand=energy.demand.calendar,
            bills=energy.bills,
            indicators=energy.performance.indicators,
            measures=energy.comparison.measures,
            air=IndoorAir(site, basis.ids, basis.queries),
            legal_means=rules.legal_means,
            water=Water(site, energy.reader),
            night_limits=rules.night_limits,
            alarms=PostgresAnnunciationView(basis.pool),
            past=PostgresPastView(basis.pool),
            hand_overs=PostgresHandOverView(basis.pool),
            commands=PostgresCommandView(basis.pool, basis.events),
            planning=planning(basis.pool, basis.events, clock, site, basis.ids),
        )
    )


def report_writer(basis: ReportBasis) -> ReportWriter:
    """Who writes the files of reports."""
    return ReportWriter(
        basis.settings.report_folder,
        report_maker(basis),
        basis.site,
        Signer.load_or_create(basis.settings.key_folder),
        in_force(basis.folder, basis.site),
        PostgresExportStore(basis.pool).settle,
    )


def report_services(basis: ReportBasis) -> ReportServices:
    """What the routes need."""
    office = ReportOffice(basis.settings.report_folder, basis.events, basis.clock)
    return ReportServices(office, PostgresReportView(basis.pool), report_maker(basis), html_page, PAGE_POLICY)


def report_keeper(parts: Parts, events: EventLog) -> Loop:
    """Have what is due and what is asked for made, without end."""
    keeper = ReportKeeper(parts.site, PostgresReportView(parts.pool), events, parts.clock)
    arguments: Sequence[str] = ("make-report", str(parts.folder))
    environment = child_environment(parts.settings)
    return keep(ACTOR, lambda: keeper.step(arguments, environment), parts.clock)


class _Rules:
    """Limits that rules state, in the wording that is in force."""

    def __init__(self, described: Mapping[str, Rule], view: PostgresRuleView, site: Site) -> None:
        self._described = described
        self._view = view
        self._plan = site.environment

    async def legal_means(self) -> list[LegalMean]:
        rules = worded(self._described, await self._view.records())
        return legal_means(rules.values(), self._plan.indoor_air.brick_class)

    async def night_limits(self) -> NightLimits:
        rules = worded(self._described, await self._view.records())
        return night_limits(rules, {rule.id: rule for rule in library()}, self._plan.water)
