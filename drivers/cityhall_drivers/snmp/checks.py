"""Every mistake in an SNMP device and its points that can be found without a network."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.driver import ConfigProblem
from cityhall_drivers.closed_table import read_table
from cityhall_drivers.point_checks import encoding_problems, repeated_address_problems, secret_problems
from cityhall_drivers.snmp.addresses import AddressError, oid_of
from cityhall_drivers.snmp.config import SnmpConfig

PASSWORD_MIN: Final = 8
"""RFC 3414, clause 11.2."""
_OF_3: Final = ("user", "auth", "auth_password_file", "priv", "priv_password_file", "context")


def check_device(device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
    """Give all mistakes: first those of the device, then those of its points in their order."""
    config, problems = read_table(SnmpConfig, device.settings)
    if config is not None:
        problems += _problems_of_2c(config) if config.version == "2c" else _problems_of_3(config)
        if device.folder:
            problems += _file_problems(config, Path(device.folder))
    return [*problems, *_point_problems(points)]


def _problems_of_2c(config: SnmpConfig) -> Iterator[ConfigProblem]:
    if config.community_file is None:
        message = "version 2c needs a community"
        yield ConfigProblem("community_file", message, "write the community into a file in secrets/ and name it here")
    for field in _OF_3:
        if field in config.model_fields_set:
            yield ConfigProblem(field, f"{field} belongs to version 3", 'set version = "3", or delete this key')


def _problems_of_3(config: SnmpConfig) -> Iterator[ConfigProblem]:
    if config.community_file is not None:
        yield ConfigProblem("community_file", "communities belong to version 2c", "delete this key")
    if config.user is None:
        yield ConfigProblem("user", "version 3 needs a user", "add the user's name")
    if config.auth_password_file is None:
        message = "without a password version 3 is no safer than 2c"
        yield ConfigProblem(
            "auth_password_file", message, "write the password into a file in secrets/ and name it here"
        )
    if config.priv is not None and config.priv_password_file is None:
        message = "encryption needs a password"
        yield ConfigProblem(
            "priv_password_file", message, "write the password into a file in secrets/ and name it here"
        )
    if config.priv is None and config.priv_password_file is not None:
        yield ConfigProblem("priv_password_file", "a password without encryption", "add 'priv', or delete this key")


def _file_problems(config: SnmpConfig, folder: Path) -> Iterator[ConfigProblem]:
    for field in ("community_file", "auth_password_file", "priv_password_file"):
        name = getattr(config, field)
        if name is None:
            continue
        problems = list(secret_problems(field, name, folder))
        yield from problems
        if not problems and field != "community_file" and len((folder / name).read_bytes().strip()) < PASSWORD_MIN:
            message = f"the password in {name} is shorter than {PASSWORD_MIN} characters"
            yield ConfigProblem(field, message, "agents accept no shorter one: check it")


def _point_problems(points: Sequence[Point]) -> Iterator[ConfigProblem]:
    understood: list[tuple[Point, object]] = []
    for point in points:
        try:
            understood.append((point, oid_of(point.address)))
        except AddressError as mistake:
            remedy = "write it like upsEstimatedChargeRemaining.0 or 1.3.6.1.2.1.33.1.2.4.0"
            yield ConfigProblem("address", f"'{point.address}': {mistake}", remedy, point.name)
        yield from encoding_problems(point, "SNMP")
    yield from repeated_address_problems(understood)
