"""The meters of a site: what each counts, where it hangs, and which of them make up a total."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.virtual import Expression
from cityhall_bms.domain.errors import NotFoundError

STUFF: Final[Mapping[Commodity, str]] = MappingProxyType(
    {
        Commodity.ELECTRICITY: "electricity",
        Commodity.PV: "electricity",
        Commodity.EV: "electricity",
        Commodity.WATER: "water",
        Commodity.RAINWATER: "water",
        Commodity.FUEL: "fuel",
        Commodity.CHILLED_WATER: "cooling",
    }
)
"""What a commodity is made of: only meters of the same stuff can be added up, or hang on each other."""


class Flow(StrEnum):
    """Which way a meter counts, as seen from what it hangs on."""

    IMPORT = "import"
    """Into the part: what it takes."""
    EXPORT = "export"
    """Out of the part, as a lift's regenerated energy, or what is fed into the grid."""
    GENERATED = "generated"
    """Made there."""


@dataclass(frozen=True, slots=True)
class PointSource:
    """A counter; ``factor`` makes the commodity's unit of the point's."""

    point: str
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class ManualSource:
    """People read it, or enter what a bill says: an amount per period."""


Source = PointSource | Expression | ManualSource


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter. Its name is permanent; ``part_of`` is the meter that counts it too (Brick: isSubMeterOf)."""

    name: str
    commodity: Commodity
    text_zh: str
    text_en: str
    source: Source
    part_of: str = ""
    tenant: str = ""
    zone: str = ""
    floor: str = ""
    flow: Flow = Flow.IMPORT
    complete: bool = True
    """Whether all that hangs on it has a meter, so that its parts are meant to add up to it."""

    @property
    def sign(self) -> float:
        """How it counts among the parts of the meter that it hangs on: what comes back is taken off."""
        return 1.0 if self.flow is Flow.IMPORT else -1.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody who has meters of their own; area in m², none where it is not known."""

    name: str
    text_zh: str
    text_en: str
    area_m2: float | None = None


@dataclass(frozen=True)
class Metering:
    """All meters of a site, in the order of the file; what hangs on what, and what is made of what, has no circles."""

    meters: Mapping[str, Meter] = field(default_factory=dict)
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    base_years: Mapping[Commodity, int] = field(default_factory=dict)
    """Year (CE) with which each commodity is compared; ROC = CE - 1911."""

    def meter(self, name: str) -> Meter:
        """Give a meter; ``NotFoundError`` when there is none of this name."""
        if name not in self.meters:
            msg = f"沒有計量表 {name} / no meter is named {name}; GET /api/v1/energy/meters lists them"
            raise NotFoundError(msg)
        return self.meters[name]

    def parts(self, name: str) -> tuple[Meter, ...]:
        """Meters that hang on this one, in the order of the file."""
        return self._parts.get(name, ())

    def below(self, name: str) -> Iterator[Meter]:
        """Whatever hangs on this one, at any depth, from the top down."""
        for part in self.parts(name):
            yield part
            yield from self.below(part.name)

    def roots(self) -> tuple[Meter, ...]:
        """Meters that hang on nothing."""
        return tuple(meter for meter in self.meters.values() if not meter.part_of)

    def total_of(
        self, commodity: Commodity, tenant: str = "", *, zone: str = "", floor: str = ""
    ) -> Mapping[str, float]:
        """Meters, and the factor of each, that make up a commodity's total: at the site, a tenant, a zone, a floor.

        Those count that hang on no other of them, so that nothing is counted twice; what is exported is taken off. A
        virtual meter does not count where any of those that it is made of counts already.
        """
        wanted = {
            meter.name
            for meter in self.meters.values()
            if meter.commodity is commodity
            and (not tenant or meter.tenant == tenant)
            and (not zone or meter.zone == zone)
            and (not floor or meter.floor == floor)
        }
        tops = (self.meters[name] for name in self.meters if name in wanted and not wanted & self._above(name))
        return {
            meter.name: -1.0 if meter.flow is Flow.EXPORT else 1.0
            for meter in tops
            if not (isinstance(meter.source, Expression) and self._made_of(meter.name) & wanted)
        }

    def leaves(self, name: str) -> Mapping[str, float]:
        """Meters that are read in order to know this one, and the factor of each."""
        source = self.meter(name).source
        if not isinstance(source, Expression):
            return {name: 1.0}
        found: dict[str, float] = {}
        for other, factor in source.factors.items():
            for leaf, inner in self.leaves(other).items():
                found[leaf] = found.get(leaf, 0.0) + factor * inner
        return {leaf: factor for leaf, factor in found.items() if factor}

    def _made_of(self, name: str) -> set[str]:
        """What a virtual meter reads, without what hangs on it."""
        return set(self.leaves(name)) - {part.name for part in self.below(name)}

    def _above(self, name: str) -> set[str]:
        found: set[str] = set()
        above = self.meters[name].part_of
        while above:
            found.add(above)
            above = self.meters[above].part_of
        return found

    @cached_property
    def _parts(self) -> Mapping[str, tuple[Meter, ...]]:
        found: dict[str, tuple[Meter, ...]] = {}
        for meter in self.meters.values():
            if meter.part_of:
                found[meter.part_of] = (*found.get(meter.part_of, ()), meter)
        return found
