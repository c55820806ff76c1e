"""What a site says of its energy beside its meters: declared figures, targets of years, factors of carbon."""

from dataclasses import dataclass, field

from cityhall_bms.domain.energy.carbon import CarbonFactors
from cityhall_bms.domain.energy.references import References
from cityhall_bms.domain.energy.saving_targets import EnergyTarget
from cityhall_bms.domain.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class EnergyBook:
    """All of it, as the site folder has it."""

    references: References = field(default_factory=References)
    targets: tuple[EnergyTarget, ...] = ()
    carbon: CarbonFactors = field(default_factory=CarbonFactors)

    def target(self, name: str) -> EnergyTarget:
        """Give a target; ``NotFoundError`` when there is none of this name."""
        for target in self.targets:
            if target.name == name:
                return target
        msg = f"沒有目標 {name} / no target is named {name}; GET /api/v1/energy/targets lists them"
        raise NotFoundError(msg)
