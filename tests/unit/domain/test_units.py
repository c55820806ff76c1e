"""The unit table agrees with other people's."""

import pytest
from bacpypes3.basetypes import EngineeringUnits

from cityhall_bms.domain.units import UNITS, find_unit

BACNET_NAMES = {
    "°C": "degreesCelsius",
    "K": "deltaDegreesKelvin",
    "%": "percent",
    "%RH": "percentRelativeHumidity",
    "ppm": "partsPerMillion",
    "ppb": "partsPerBillion",
    "µg/m³": "microgramsPerCubicMeter",
    "Pa": "pascals",
    "kPa": "kilopascals",
    "bar": "bars",
    "µS": "microSiemens",
    "pH": "pH",
    "NTU": "nephelometricTurbidityUnit",
    "lx": "luxes",
    "dB(A)": "decibelsA",
    "W": "watts",
    "kW": "kilowatts",
    "RT": "tonsRefrigeration",
    "kVA": "kilovoltAmperes",
    "kVAR": "kilovoltAmperesReactive",
    "PF": "powerFactor",
    "kWh": "kilowattHours",
    "MWh": "megawattHours",
    "kVARh": "kilowattHoursReactive",
    "kWh/m²": "kilowattHoursPerSquareMeter",
    "A": "amperes",
    "V": "volts",
    "kV": "kilovolts",
    "Hz": "hertz",
    "mΩ": "milliohms",
    "m³": "cubicMeters",
    "L": "liters",
    "m³/h": "cubicMetersPerHour",
    "L/s": "litersPerSecond",
    "L/min": "litersPerMinute",
    "m/s": "metersPerSecond",
    "rpm": "revolutionsPerMinute",
    "°": "degreesAngular",
    "mm": "millimeters",
    "m": "meters",
    "W/m²": "wattsPerSquareMeter",
    "s": "seconds",
    "min": "minutes",
    "h": "hours",
    "d": "days",
}


def test_bacnet_codes_are_those_of_the_standard() -> None:
    codes = {symbol: unit.bacnet for symbol, unit in UNITS.items() if unit.bacnet is not None}

    assert codes == {symbol: int(EngineeringUnits(name)) for symbol, name in BACNET_NAMES.items()}


@pytest.mark.parametrize(
    ("typed", "symbol"),
    [("m3/h", "m³/h"), ("W/m2", "W/m²"), ("μg/m3", "µg/m³"), ("℃", "°C"), ("m\u2126", "mΩ"), ("kWh/m2", "kWh/m²")],
)
def test_a_symbol_typed_without_its_special_characters_is_understood(typed: str, symbol: str) -> None:
    unit = find_unit(typed)

    assert unit is not None
    assert unit.symbol == symbol


@pytest.mark.parametrize("symbol", ["", "°F", "kw", "C", "M3"])
def test_what_is_no_unit_is_none(symbol: str) -> None:
    assert find_unit(symbol) is None


def test_every_symbol_finds_itself() -> None:
    assert all(find_unit(symbol) is unit for symbol, unit in UNITS.items())
