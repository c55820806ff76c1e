"""Every mistake in a Modbus device and its points that can be found without a network."""

from collections.abc import Sequence

from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.driver import ConfigProblem
from cityhall_drivers.closed_table import read_table
from cityhall_drivers.modbus.codec import Item, MistakeError, item_of
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.planner import overlaps

SERIAL_UNIT_MIN, SERIAL_UNIT_MAX = 1, 247
"""Numbers of units on a serial line; 0 is for broadcasts (Modbus over Serial Line V1.02, clause 2.2)."""


def check_device(device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
    """Give all mistakes: first those of the device, then those of its points in their order."""
    config, problems = read_config(device)
    items: list[tuple[Point, Item]] = []
    for point in points:
        try:
            items.append((point, item_of(point)))
        except MistakeError as mistake:
            problems.append(ConfigProblem(mistake.field, mistake.message, mistake.remedy, point.name))
    problems += _overlap_problems(items)
    if config is not None:
        problems += _width_problems(items, config.registers_per_request_max)
    return problems


def read_config(device: Device) -> tuple[ModbusConfig | None, list[ConfigProblem]]:
    """Give the device's own table, or none and every mistake in it."""
    config, problems = read_table(ModbusConfig, device.settings)
    if config is not None:
        problems = _way_problems(config)
    return (None, problems) if problems else (config, [])


def _way_problems(config: ModbusConfig) -> list[ConfigProblem]:
    if not config.host and not config.serial:
        return [ConfigProblem("host", "host is missing", "give the device's address, or 'serial' with a serial port")]
    if config.host and config.serial:
        return [ConfigProblem("serial", "a device has one way to it, not two", "remove 'host' or 'serial'")]
    if config.pipeline_depth > 1 and config.rtu:
        message = "serial frames carry no number that tells whose answer it is"
        return [ConfigProblem("pipeline_depth", message, "set it to 1, or leave it out")]
    if config.rtu and not SERIAL_UNIT_MIN <= config.unit_id <= SERIAL_UNIT_MAX:
        message = f"no unit on a serial line has the number {config.unit_id}: 0 speaks to all, and nobody answers"
        return [ConfigProblem("unit_id", message, "give the unit's number, 1 to 247")]
    return []


def _overlap_problems(items: Sequence[tuple[Point, Item]]) -> list[ConfigProblem]:
    return [
        ConfigProblem(
            "address",
            f"overlapping register: {items[second][0].address} ({items[second][1].type}) shares registers with "
            f"{items[first][0].name} at {items[first][0].address} ({items[first][1].type})",
            "correct the address or the type of one of them",
            items[second][0].name,
        )
        for first, second in overlaps([item for _, item in items])
    ]


def _width_problems(items: Sequence[tuple[Point, Item]], registers_max: int) -> list[ConfigProblem]:
    widest = max((item.width for _, item in items), default=1)
    if widest <= registers_max:
        return []
    message = f"{registers_max} registers a request cannot hold a value of {widest}"
    return [ConfigProblem("registers_per_request_max", message, f"raise it to {widest} at least")]
