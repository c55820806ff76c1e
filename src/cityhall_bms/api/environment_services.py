"""What the routes of indoor air, water, comfort and vehicles need."""

from dataclasses import dataclass

from cityhall_bms.energy.comfort import Comfort
from cityhall_bms.energy.indoor_air import IndoorAir
from cityhall_bms.energy.vehicle_use import VehicleUse
from cityhall_bms.energy.water import Water
from cityhall_bms.ports.air_record import AirDesk, AirRecord


@dataclass(frozen=True, slots=True)
class EnvironmentServices:
    """Readers and handlers behind the routes."""

    air: IndoorAir
    air_record: AirRecord
    air_desk: AirDesk
    water: Water
    comfort: Comfort
    vehicles: VehicleUse
