"""What charging vehicles saved: petrol that was not burnt, and carbon beside that of the power which was charged."""

from dataclasses import dataclass

from cityhall_bms.domain.environment import VehiclePlan


@dataclass(frozen=True, slots=True)
class Avoided:
    """Litres of petrol and kgCO2e; ``grid_kg`` none where no factor of the grid is known, and then ``saved_kg``."""

    km: float
    petrol_l: float
    petrol_kg: float
    grid_kg: float | None

    @property
    def saved_kg(self) -> float | None:
        """Carbon of the petrol less that of the power."""
        return None if self.grid_kg is None else self.petrol_kg - self.grid_kg


def avoided(charged_kwh: float, plan: VehiclePlan, grid_kg_per_kwh: float | None) -> Avoided:
    """What so much charged power replaced, by the factors of a plan."""
    km = charged_kwh * plan.km_per_kwh
    petrol_l = km / plan.petrol_km_per_l
    grid_kg = None if grid_kg_per_kwh is None else charged_kwh * grid_kg_per_kwh
    return Avoided(km, petrol_l, petrol_l * plan.petrol_kgco2_per_l, grid_kg)
