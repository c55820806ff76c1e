"""The effects of all plant faults, system by system."""

from tests.support.fault_effects import air, cooling, networks, parking, power, safety, transport, water
from tests.support.fault_effects.effect import Effect

SYSTEMS = (air, cooling, power, water, transport, parking, safety, networks)
EFFECTS: dict[str, Effect] = {name: effect for system in SYSTEMS for name, effect in system.EFFECTS.items()}
