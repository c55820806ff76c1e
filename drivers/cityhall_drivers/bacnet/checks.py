"""Every mistake in a BACnet device and its points that can be found without a network."""

import ipaddress
from collections.abc import Sequence

from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.driver import ConfigProblem
from cityhall_drivers.bacnet.codec import MistakeError, item_of
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.closed_table import read_table


def read_config(device: Device) -> tuple[BacnetConfig | None, list[ConfigProblem]]:
    """Give the device's table, or none and every mistake in it."""
    config, problems = read_table(BacnetConfig, device.settings)
    if config is None:
        return None, problems
    problems = _address_problems(config) + _route_problems(config)
    return (None, problems) if problems else (config, [])


def check_device(device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
    """Give all mistakes: first those of the device, then those of its points in their order."""
    _, problems = read_config(device)
    for point in points:
        try:
            item_of(point)
        except MistakeError as mistake:
            problems.append(ConfigProblem(mistake.field, mistake.message, mistake.remedy, point.name))
    return problems


def _address_problems(config: BacnetConfig) -> list[ConfigProblem]:
    """Loopback talks to loopback only: a datagram from any other address of ours would never be answered."""
    there, here = (ipaddress.IPv4Address(host).is_loopback for host in (config.host, config.local_host))
    if there == here:
        return []
    if there:
        message = f"{config.host} is this machine itself, and cannot be asked from {config.local_host}"
        return [ConfigProblem("local_host", message, 'set local_host = "127.0.0.1"')]
    message = f"{config.local_host} reaches this machine only, and {config.host} is another"
    return [ConfigProblem("local_host", message, "give our own address in the device's network, or leave it out")]


def _route_problems(config: BacnetConfig) -> list[ConfigProblem]:
    """A device behind a router has a network and an address there; one without the other leads nowhere."""
    if (config.network is None) == (config.mac is None):
        return []
    if config.mac is None:
        message = f"network {config.network} has many devices"
        return [ConfigProblem("mac", message, "give the device's address there: 0 to 255 of MS/TP, or bytes in 0x")]
    message = f"mac {config.mac} is an address in a network that is not named"
    return [ConfigProblem("network", message, "give the number of the network behind the router, or leave mac out")]
