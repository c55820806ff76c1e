"""What the routes of energy, water and carbon need from the rest of the service."""

from dataclasses import dataclass

from cityhall_bms.ports.energy import MeterReader


@dataclass(frozen=True, slots=True)
class EnergyServices:
    """One field per part; ``roles.energy`` puts them together."""

    reader: MeterReader
