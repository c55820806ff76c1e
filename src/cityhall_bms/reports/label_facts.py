"""Figures that sum up the evidence for the label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_bms.domain.site import Text
from cityhall_bms.ports.history import Aggregation
from cityhall_bms.ports.label import Fact, LabelQuestion
from cityhall_bms.reports.label_series import points_of
from cityhall_bms.reports.label_sources import LabelSources

KW_PER_RT: Final = 3.5168528420667
"""One ton of refrigeration is 12,000 Btu/h."""


@dataclass(frozen=True, slots=True)
class MeanOf:
    """A mean over equipment of a class; ``scale`` makes it what ``unit`` says, empty: the point's own unit."""

    name: str
    text: Text
    brick_class: str
    roles: Sequence[str]
    scale: float = 1.0
    unit: str = ""


async def controllers(sources: LabelSources, question: LabelQuestion) -> list[Fact]:
    """Share of time for which controllers were on line."""
    plan = sources.plan
    text = Text("控制器連線率", "Controllers on line")
    asked = MeanOf("controllers_online", text, plan.controller_class, (plan.controller_role,), 100.0, "%")
    return [await _mean(sources, question, asked)]


async def devices(sources: LabelSources, _: LabelQuestion) -> list[Fact]:
    """How much is integrated."""
    site = sources.site
    return [
        _count("devices", Text("整合設備數", "Devices"), len(site.devices)),
        _count("protocols", Text("通訊協定數", "Protocols"), len({item.protocol for item in site.devices.values()})),
        _count("points", Text("點位數", "Points"), len(site.points)),
    ]


async def equipment(sources: LabelSources, _: LabelQuestion) -> list[Fact]:
    """How much is registered."""
    return [_count("equipment", Text("裝置數", "Equipment"), len(sources.site.equipment))]


async def plant(sources: LabelSources, question: LabelQuestion) -> list[Fact]:
    """Efficiency of the plant: its electric energy over its cooling, so that hours with little cooling weigh little."""
    plan = sources.plan
    text = Text("主機房效率", "Plant efficiency")
    power, cooling = [
        await _mean(sources, question, MeanOf(role, text, plan.plant_class, (role,)))
        for role in (plan.plant_power_role, plan.plant_cooling_role)
    ]
    coverage = min(power.coverage or 0.0, cooling.coverage or 0.0)
    known = power.value is not None and cooling.value
    kw_per_rt = (power.value or 0.0) / (cooling.value or 1.0) * KW_PER_RT if known else None
    return [Fact("plant_efficiency", text, kw_per_rt, "kW/RT", coverage)]


async def meters(sources: LabelSources, _: LabelQuestion) -> list[Fact]:
    """How many meters there are."""
    return [_count("meters", Text("計量表數", "Meters"), len(sources.site.metering.meters))]


async def air(sources: LabelSources, question: LabelQuestion) -> list[Fact]:
    """Of the occupied hours of all nodes, those inside all limits."""
    found = await sources.air.assess(sources.limits, question.window, question.known_at)
    kept = found.overall()
    of_all, inside, whole = int(kept.known.sum()), int(kept.inside.sum()), kept.occupied * len(found.nodes)
    percent = 100.0 * inside / of_all if of_all else None
    text = Text("室內空氣合格率", "Indoor air inside its limits")
    return [Fact("air_compliance", text, percent, "%", of_all / whole if whole else 0.0)]


async def comfort(sources: LabelSources, question: LabelQuestion) -> list[Fact]:
    """Unmet cooling hours of all zones together."""
    found = await sources.comfort.unmet(question.window, question.known_at)
    whole, covered = found.occupied_h * len(found.units), float(found.known_h.sum())
    hours = float(found.unmet_h.sum()) if covered else None
    text = Text("過熱時數", "Unmet cooling hours")
    return [Fact("unmet_cooling_hours", text, hours, "h", covered / whole if whole else 0.0)]


async def rules(sources: LabelSources, _: LabelQuestion) -> list[Fact]:
    """How many rules watch the building."""
    return [_count("rules", Text("監視規則數", "Rules that watch"), len(sources.rules))]


def _count(name: str, text: Text, value: int) -> Fact:
    return Fact(name, text, float(value), "")


async def _mean(sources: LabelSources, question: LabelQuestion, asked: MeanOf) -> Fact:
    """Mean of points over the known time of the window; a daily mean weighs as much as is known of its day."""
    points = points_of(sources, asked.brick_class, asked.roles)
    unit = asked.unit or (points[0].unit if points else "")
    if not points:
        return Fact(asked.name, asked.text, None, unit, 0.0)
    numbers, zone = [sources.ids[point.name] for point in points], sources.site.time_zone
    table = await sources.queries.intervals_of(
        numbers, question.window, "1d", Aggregation.MEAN, zone, question.known_at
    )
    weight = np.where(np.isnan(table.value), 0.0, table.coverage)
    total = float(weight.sum())
    mean = float((np.nan_to_num(table.value) * weight).sum()) / total * asked.scale if total else None
    return Fact(asked.name, asked.text, mean, unit, total / weight.size)
