"""The units in which points are measured: one symbol each, and what other systems call it.

A symbol is what people read on the screen. Codes are given only where the other system really has the unit: UCUM for
exchange, the BACnet engineering-units number (ASHRAE 135, clause 21) for object lists.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement; ``dimension`` tells which units can be compared at all."""

    symbol: str
    zh: str
    en: str
    dimension: str
    ucum: str | None = None
    bacnet: int | None = None


_TABLE: Final = (
    Unit("°C", "攝氏度", "degree Celsius", "temperature", "Cel", 62),
    Unit("K", "克耳文（溫差）", "kelvin (difference)", "temperature difference", "K", 121),
    Unit("%", "百分比", "percent", "ratio", "%", 98),
    Unit("%RH", "相對溼度", "percent relative humidity", "relative humidity", "%", 29),
    Unit("ppm", "百萬分之一", "parts per million", "ratio", "[ppm]", 96),
    Unit("ppb", "十億分之一", "parts per billion", "ratio", "[ppb]", 97),
    Unit("µg/m³", "微克每立方公尺", "microgram per cubic metre", "mass concentration", "ug/m3", 219),
    Unit("Pa", "帕", "pascal", "pressure", "Pa", 53),
    Unit("kPa", "千帕", "kilopascal", "pressure", "kPa", 54),
    Unit("bar", "巴", "bar", "pressure", "bar", 55),
    Unit("µS", "微西門子", "microsiemens", "conductance", "uS", 190),
    Unit("µS/cm", "微西門子每公分", "microsiemens per centimetre", "conductivity", "uS/cm"),
    Unit("pH", "酸鹼值", "pH", "acidity", "[pH]", 234),
    Unit("NTU", "濁度", "nephelometric turbidity unit", "turbidity", None, 233),
    Unit("lx", "勒克斯", "lux", "illuminance", "lx", 37),
    Unit("dB(A)", "分貝（A 加權）", "decibel (A)", "sound level", "dB[SPL]", 232),
    Unit("W", "瓦", "watt", "power", "W", 47),
    Unit("kW", "千瓦", "kilowatt", "power", "kW", 48),
    Unit("RT", "冷凍噸", "ton of refrigeration", "power", None, 52),
    Unit("kW/RT", "千瓦每冷凍噸", "kilowatt per ton of refrigeration", "specific power"),
    Unit("kVA", "千伏安", "kilovolt-ampere", "apparent power", "kV.A", 9),
    Unit("kVAR", "千乏", "kilovolt-ampere reactive", "reactive power", None, 12),
    Unit("PF", "功率因數", "power factor", "power factor", "1", 15),
    Unit("kWh", "度（千瓦小時）", "kilowatt-hour", "energy", "kW.h", 19),
    Unit("MWh", "千度（百萬瓦小時）", "megawatt-hour", "energy", "MW.h", 146),
    Unit("kVARh", "千乏小時", "kilovolt-ampere-hour reactive", "reactive energy", None, 204),
    Unit("kWh/m²", "度每平方公尺", "kilowatt-hour per square metre", "energy intensity", "kW.h/m2", 137),
    Unit("A", "安培", "ampere", "current", "A", 3),
    Unit("V", "伏特", "volt", "voltage", "V", 5),
    Unit("kV", "千伏特", "kilovolt", "voltage", "kV", 6),
    Unit("Hz", "赫茲", "hertz", "frequency", "Hz", 27),
    Unit("mΩ", "毫歐姆", "milliohm", "resistance", "mOhm", 145),
    Unit("m³", "立方公尺", "cubic metre", "volume", "m3", 80),
    Unit("L", "公升", "litre", "volume", "L", 82),
    Unit("m³/h", "立方公尺每小時", "cubic metre per hour", "volume flow", "m3/h", 135),
    Unit("L/s", "公升每秒", "litre per second", "volume flow", "L/s", 87),
    Unit("L/min", "公升每分鐘", "litre per minute", "volume flow", "L/min", 88),
    Unit("m/s", "公尺每秒", "metre per second", "speed", "m/s", 74),
    Unit("rpm", "每分鐘轉數", "revolution per minute", "rotational speed", "{rev}/min", 104),
    Unit("°", "度（角度）", "degree", "angle", "deg", 90),
    Unit("mm", "公釐", "millimetre", "length", "mm", 30),
    Unit("m", "公尺", "metre", "length", "m", 31),
    Unit("W/m²", "瓦每平方公尺", "watt per square metre", "irradiance", "W/m2", 35),
    Unit("s", "秒", "second", "time", "s", 73),
    Unit("min", "分鐘", "minute", "time", "min", 72),
    Unit("h", "小時", "hour", "time", "h", 71),
    Unit("d", "日", "day", "time", "d", 70),
    Unit("ts", "時間戳記（1970 年起之秒數）", "time stamp (seconds since 1970)", "time stamp"),
    Unit("floor", "樓層", "floor", "floor"),
)

UNITS: Final[Mapping[str, Unit]] = MappingProxyType({unit.symbol: unit for unit in _TABLE})
"""Every unit by its symbol."""

# What keyboards and code pages make of the symbols: superscripts typed as digits, the Greek letter for the micro sign,
# the ohm and kelvin signs, and the single-character degree Celsius.
_TYPED: Final = str.maketrans({"μ": "µ", "\u2126": "Ω", "\u212a": "K", "℃": "°C", "㎡": "m²", "㎥": "m³"})
_ALIASES: Final = {symbol.replace("²", "2").replace("³", "3"): symbol for symbol in UNITS}


def find_unit(symbol: str) -> Unit | None:
    """Give the unit of a symbol, also as typed without superscripts (``m3/h``); none when it is unknown."""
    typed = symbol.translate(_TYPED)
    return UNITS.get(typed) or UNITS.get(_ALIASES.get(typed, ""))


def typed_symbol(text: str) -> str:
    """Text with what keyboards make of the symbols put right, letter by letter."""
    return text.translate(_TYPED)


# What a dimension is made of. What cannot be calculated with is a base of its own. Apparent and reactive power are
# watts to a formula, because volts times amperes are; the symbols keep them apart for people.
_BASES: Final[Mapping[str, str]] = {
    "temperature": "K", "temperature difference": "K", "ratio": "", "relative humidity": "", "power factor": "",
    "mass concentration": "kg m-3", "pressure": "kg m-1 s-2", "conductance": "kg-1 m-2 s3 A2",
    "conductivity": "kg-1 m-3 s3 A2", "acidity": "pH", "turbidity": "NTU", "illuminance": "lx",
    "sound level": "dB", "power": "kg m2 s-3", "specific power": "", "apparent power": "kg m2 s-3",
    "reactive power": "kg m2 s-3", "energy": "kg m2 s-2", "reactive energy": "kg m2 s-2",
    "energy intensity": "kg s-2", "current": "A", "voltage": "kg m2 s-3 A-1", "frequency": "s-1",
    "resistance": "kg m2 s-3 A-2", "volume": "m3", "volume flow": "m3 s-1", "speed": "m s-1",
    "rotational speed": "s-1", "angle": "angle", "length": "m", "irradiance": "kg s-3", "time": "s",
    "time stamp": "ts", "floor": "floor",
}  # fmt: skip
_HOUR_S: Final = 3600.0
_RT_W: Final = 3516.8528420667
"""One ton of refrigeration is 12,000 Btu/h."""
_FACTORS: Final[Mapping[str, float]] = {
    "%": 1e-2, "%RH": 1e-2, "ppm": 1e-6, "ppb": 1e-9, "µg/m³": 1e-9, "kPa": 1e3, "bar": 1e5, "µS": 1e-6,
    "µS/cm": 1e-4, "kW": 1e3, "RT": _RT_W, "kW/RT": 1e3 / _RT_W, "kVA": 1e3, "kVAR": 1e3, "kWh": 3.6e6, "MWh": 3.6e9,
    "kVARh": 3.6e6, "kWh/m²": 3.6e6, "kV": 1e3, "mΩ": 1e-3, "L": 1e-3, "m³/h": 1 / _HOUR_S, "L/s": 1e-3,
    "L/min": 1e-3 / 60.0, "rpm": 1 / 60.0, "mm": 1e-3, "min": 60.0, "h": _HOUR_S, "d": 86_400.0,
}  # fmt: skip
"""How many coherent units (of the SI, where it has one) make one of these; 1 for the others."""

_BASE_POWER: Final = re.compile(r"(\D+?)(-?\d+)?$")
_PER_TIME: Final = frozenset({"s", "min", "h", "d"})


@dataclass(frozen=True, slots=True)
class Measure:
    """What numbers can be calculated with: powers of bases, and the factor to the coherent unit of those.

    ``absolute`` marks a temperature on a scale with a zero of its own (°C): two of them make a difference, in K.
    """

    powers: tuple[tuple[str, int], ...] = ()
    factor: float = 1.0
    absolute: bool = False

    def times(self, other: "Measure") -> "Measure":
        """Give the measure of a product."""
        return self._with(other, 1)

    def over(self, other: "Measure") -> "Measure":
        """Give the measure of a quotient."""
        return self._with(other, -1)

    def root(self) -> "Measure | None":
        """Give the measure of a square root; none when it has none."""
        if any(power % 2 for _, power in self.powers):
            return None
        return Measure(tuple((base, power // 2) for base, power in self.powers), self.factor**0.5)

    def difference(self) -> "Measure":
        """Give the measure of the difference of two of these."""
        return replace(self, absolute=False)

    def comparable(self, other: "Measure") -> bool:
        """Tell whether a number of one can be set against, added to or taken from one of the other."""
        return self.powers == other.powers and self.absolute == other.absolute

    def _with(self, other: "Measure", sign: int) -> "Measure":
        powers = dict(self.powers)
        for base, power in other.powers:
            powers[base] = powers.get(base, 0) + sign * power
        factor = self.factor * other.factor if sign > 0 else self.factor / other.factor
        return Measure(tuple(sorted((base, power) for base, power in powers.items() if power)), factor)


PLAIN: Final = Measure()
"""Numbers without a unit."""


def measure_of(symbol: str) -> Measure | None:
    """Give what a symbol measures; also ``K/h`` or ``/h``, for which the table has no line. None when it is unknown."""
    if not symbol:
        return PLAIN
    unit = find_unit(symbol)
    if unit is not None:
        powers = tuple(sorted(_power(part) for part in _BASES[unit.dimension].split()))
        return Measure(powers, _FACTORS.get(unit.symbol, 1.0), absolute=unit.dimension == "temperature")
    above, slash, below = symbol.rpartition("/")
    upper, lower = measure_of(above), find_unit(below)
    if not slash or upper is None or upper.absolute or lower is None or lower.symbol not in _PER_TIME:
        return None
    return upper.over(Measure((("s", 1),), _FACTORS.get(lower.symbol, 1.0)))


def symbol_of(measure: Measure) -> str:
    """Give the first symbol of the table that measures just that; empty when there is none, or none is needed."""
    if _same(measure, PLAIN):
        return ""
    return next((symbol for symbol in UNITS if _same(measure_of(symbol), measure)), "")


def _same(one: Measure | None, other: Measure) -> bool:
    return one is not None and one.comparable(other) and abs(one.factor / other.factor - 1.0) < 1e-9


def _power(part: str) -> tuple[str, int]:
    found = _BASE_POWER.match(part)
    assert found is not None  # noqa: S101 - a table of this module
    return found[1], int(found[2] or 1)
