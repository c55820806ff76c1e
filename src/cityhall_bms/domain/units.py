"""The units in which points are measured: one symbol each, and what other systems call it.

A symbol is what people read on the screen. Codes are given only where the other system really has the unit: UCUM for
exchange, the BACnet engineering-units number (ASHRAE 135, clause 21) for object lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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
