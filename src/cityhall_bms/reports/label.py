"""Evidence for the Intelligent Building label: which tables and figures prove which indicator."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from cityhall_bms.domain.label import Evidence, Indicator
from cityhall_bms.ports.label import EvidenceTable, Fact, LabelQuestion
from cityhall_bms.reports import label_facts, label_maintenance, label_records, label_registers, label_series
from cityhall_bms.reports.label_sources import LabelSources

TABLES: Final[Mapping[Evidence, Callable[[LabelSources, LabelQuestion], list[EvidenceTable]]]] = MappingProxyType(
    {
        Evidence.CONTROLLERS: label_series.controllers,
        Evidence.OUTAGES: label_records.outages,
        Evidence.DEVICES: lambda sources, _: label_registers.devices(sources),
        Evidence.EQUIPMENT: lambda sources, _: label_registers.equipment(sources),
        Evidence.PERMITS: label_records.permits,
        Evidence.HAND_OVERS: label_records.hand_overs,
        Evidence.MAINTENANCE: label_maintenance.work,
        Evidence.SAFETY: label_records.safety,
        Evidence.PLANT: label_series.plant,
        Evidence.METERS: label_series.meters,
        Evidence.AIR: label_series.air,
        Evidence.COMFORT: label_series.comfort,
        Evidence.RULES: lambda sources, _: label_registers.rules(sources),
    }
)
FACTS: Final[Mapping[Evidence, Callable[[LabelSources, LabelQuestion], Awaitable[list[Fact]]]]] = MappingProxyType(
    {
        Evidence.CONTROLLERS: label_facts.controllers,
        Evidence.DEVICES: label_facts.devices,
        Evidence.EQUIPMENT: label_facts.equipment,
        Evidence.PLANT: label_facts.plant,
        Evidence.METERS: label_facts.meters,
        Evidence.AIR: label_facts.air,
        Evidence.COMFORT: label_facts.comfort,
        Evidence.RULES: label_facts.rules,
    }
)
"""Kinds of evidence that one figure can sum up; the others are read."""


def tables_of(indicator: Indicator, sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Tables that prove an indicator, in the order of its evidence."""
    return [table for kind in indicator.evidence for table in TABLES[kind](sources, question)]


async def facts_of(indicator: Indicator, sources: LabelSources, question: LabelQuestion) -> list[Fact]:
    """Figures that sum up an indicator's evidence."""
    return [fact for kind in indicator.evidence if kind in FACTS for fact in await FACTS[kind](sources, question)]
