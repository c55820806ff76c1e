"""What a building takes in, makes and hands on, each in one unit."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Commodity(StrEnum):
    """A commodity that meters count."""

    ELECTRICITY = "electricity"
    WATER = "water"
    RAINWATER = "rainwater"
    FUEL = "fuel"
    """Fuel of vehicles and generators."""
    CHILLED_WATER = "chilled_water"
    """Cooling energy, thermal."""
    PV = "pv"
    """Electricity made on the roof."""
    EV = "ev"
    """Electricity handed on to vehicles."""

    @property
    def unit(self) -> str:
        """Symbol of the unit table in which every amount of it is given."""
        return UNITS[self]

    @property
    def text_zh(self) -> str:
        """Name for people, Chinese."""
        return TEXTS[self][0]

    @property
    def text_en(self) -> str:
        """Name for people, English."""
        return TEXTS[self][1]


UNITS: Final = MappingProxyType(
    {
        Commodity.ELECTRICITY: "kWh",
        Commodity.WATER: "m³",
        Commodity.RAINWATER: "m³",
        Commodity.FUEL: "L",
        Commodity.CHILLED_WATER: "kWh",
        Commodity.PV: "kWh",
        Commodity.EV: "kWh",
    }
)
TEXTS: Final = MappingProxyType(
    {
        Commodity.ELECTRICITY: ("電力", "Electricity"),
        Commodity.WATER: ("自來水", "City water"),
        Commodity.RAINWATER: ("雨水", "Rainwater"),
        Commodity.FUEL: ("油料", "Fuel"),
        Commodity.CHILLED_WATER: ("冰水冷能", "Chilled-water energy"),
        Commodity.PV: ("太陽光電", "Photovoltaics"),
        Commodity.EV: ("電動車充電", "Charging of vehicles"),
    }
)
