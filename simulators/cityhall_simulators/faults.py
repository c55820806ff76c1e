"""Faults by name: what they are called, where they strike, what they do."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cityhall_simulators.description import Building, Text


class Reach(Enum):
    """What a fault changes."""

    PLANT = "equipment"
    SENSOR = "point"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table. ``column`` is the plant's disturbance, ``codes`` the equipment types that have it."""

    name: str
    text: Text
    reach: Reach
    default: str
    column: str = ""
    codes: tuple[str, ...] = ()


def _plant(name: str, zh: str, en: str, default: str, column: str, *codes: str) -> Fault:
    return Fault(name, Text(zh, en), Reach.PLANT, default, f"_fault_{column}", codes)


def _sensor(name: str, zh: str, en: str, default: str) -> Fault:
    return Fault(name, Text(zh, en), Reach.SENSOR, default)


def _device(name: str, zh: str, en: str, default: str) -> Fault:
    return Fault(name, Text(zh, en), Reach.DEVICE, default)


FAULTS: Final = {
    fault.name: fault
    for fault in (
        _plant("chiller_trip", "冰水主機高壓跳脫", "Chiller trips on high pressure", "CHC01", "trip", "CHC"),
        _plant(
            "ahu_fan_fail", "空調箱風機故障，有命令不運轉", "AHU fan commanded but not running", "AHU01", "fan", "AHU"
        ),
        _plant("duct_smoke", "空調箱風管偵煙動作", "AHU duct smoke detected", "AHU01", "smoke", "AHU"),
        _plant(
            "lift_entrapment",
            "電梯困人，停於兩樓之間",
            "Passenger trapped between floors",
            "ELV01",
            "entrapment",
            "ELV",
        ),
        _plant("fire_alarm", "火警區域動作", "Fire zone in alarm", "FZN01", "fire", "FZN"),
        _plant("fire_trouble", "火警受信總機故障", "Fire panel trouble", "FACP01", "trouble", "FACP"),
        _plant("co_high", "停車場一氧化碳過高", "Car park CO high", "PKG01", "co", "PKG"),
        _plant("tank_overflow", "水池進水閥卡住溢流", "Tank inlet valve stuck open", "TNK01", "overflow", "TNK"),
        _plant("water_leak", "水表漏水警報", "Water meter reports a leak", "WM01", "leak", "WM"),
        _plant("overvoltage", "台電電壓過高", "Supply voltage too high", "HVM01", "overvoltage", "HVM", "EM"),
        _plant("ev_ground_fault", "充電樁接地故障", "Charging station ground fault", "EVSE01", "ground", "EVSE"),
        _plant("sos_pressed", "緊急求助鈴按下", "Emergency button pressed", "SOS01", "pressed", "SOS"),
        _plant("door_forced", "門禁遭強行開啟", "Door forced open", "ACS01", "forced", "ACS"),
        _plant("parking_fan_fail", "停車場排風機故障", "Car park fan commanded but not running", "PKF01", "fan", "PKF"),
        _sensor("sensor_stuck", "感測器數值凍結", "Sensor value frozen", "AHU01.SAT"),
        _sensor("sensor_dropout", "感測器斷線，無有效值", "Sensor lost, no valid value", "AHU02.RAT"),
        _sensor("sensor_spike", "感測器數值突跳", "Sensor value spikes", "CHC01.CHWR_T"),
        _device("device_silent", "設備無回應", "Device accepts but never answers", "chc01-panel"),
        _device("device_refuses", "設備拒絕要求", "Device refuses every request", "wx01"),
        _device("wrong_word_order", "暫存器字組順序錯誤", "Registers in the wrong word order", "em01"),
    )
}


class FaultTargetError(ValueError):
    """The fault cannot strike there; the message names what it can strike."""


def resolve_target(building: Building, fault: Fault, target: str | None) -> str:
    """Full name of what a fault strikes: equipment, point or device. :class:`FaultTargetError` when it cannot."""
    wanted = target or fault.default
    if fault.reach is Reach.PLANT:
        return _equipment(building, fault, wanted)
    if fault.reach is Reach.SENSOR:
        return _point(building, wanted)
    for device in building.devices:
        if wanted == device.name and (fault.name != "wrong_word_order" or device.protocol == "modbus"):
            return wanted
    names = [d.name for d in building.devices if fault.name != "wrong_word_order" or d.protocol == "modbus"]
    msg = f"{fault.name} needs one of the devices {', '.join(names)}, not {wanted!r}"
    raise FaultTargetError(msg)


def _equipment(building: Building, fault: Fault, wanted: str) -> str:
    fitting = [item for item in building.equipment if item.type.code in fault.codes]
    for item in fitting:
        if wanted in {item.name, item.short}:
            return item.name
    msg = f"{fault.name} strikes one of {', '.join(item.short for item in fitting)}, not {wanted!r}"
    raise FaultTargetError(msg)


def _point(building: Building, wanted: str) -> str:
    for name in building.by_name:
        if name == wanted or name.endswith(f".{wanted}"):
            return name
    msg = f"no point is called {wanted!r}; write AHU01.SAT or the full name"
    raise FaultTargetError(msg)
