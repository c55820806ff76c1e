"""Every mistake in an OPC UA device and its points that can be found without a network."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.driver import ConfigProblem
from cityhall_drivers.closed_table import read_table
from cityhall_drivers.opcua.certificates import IDENTITY_FILE, trusted_certificate
from cityhall_drivers.opcua.codec import node_id_mistake
from cityhall_drivers.opcua.config import OpcUaConfig

OPEN_LINE: Final = ConfigProblem(
    "security",
    "everybody on the network could read along and speak in the server's name",
    "set 'security'; where the server has none, say why that is right here: open_because = \"...\"",
)


def check_device(device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
    """Give all mistakes: first those of the device, then those of its points in their order."""
    config, problems = read_table(OpcUaConfig, device.settings)
    if config is not None:
        problems += _trust_problems(config)
        if device.folder:
            problems += _file_problems(config, Path(device.folder))
    return [*problems, *_point_problems(points)]


def _trust_problems(config: OpcUaConfig) -> Iterator[ConfigProblem]:
    """Keys that need each other."""
    if config.encrypted and config.server_certificate is None:
        message = f"security is {config.security}, but no server certificate is trusted"
        remedy = "save the server's certificate in secrets/ and name it as 'server_certificate'"
        yield ConfigProblem("server_certificate", message, remedy)
    if not config.encrypted and config.server_certificate is not None:
        message = "a certificate is of no use without security"
        yield ConfigProblem("server_certificate", message, "set 'security', or delete this key")
    if not config.encrypted and not config.is_local and config.open_because is None:
        yield OPEN_LINE
    if config.open_because is not None and config.encrypted:
        yield ConfigProblem("open_because", "this line is not open", "delete this key")
    if not config.encrypted and config.user is not None:
        message = "the password would cross the network in clear text"
        yield ConfigProblem("user", message, "set 'security', or delete 'user' and 'password_file'")
    if config.user is not None and config.password_file is None:
        message = f"user '{config.user}' has no password"
        yield ConfigProblem("password_file", message, "write the password into a file in secrets/ and name it here")
    if config.user is None and config.password_file is not None:
        yield ConfigProblem("password_file", "a password without a user", "add 'user', or delete this key")


def _file_problems(config: OpcUaConfig, folder: Path) -> Iterator[ConfigProblem]:
    if config.password_file is not None:
        yield from _secret_problems("password_file", config.password_file, folder)
    if config.server_certificate is not None:
        yield from _certificate_problems(config.server_certificate, folder)
    if config.encrypted and (folder / IDENTITY_FILE).exists():
        yield from _secret_problems("security", IDENTITY_FILE, folder)


def _secret_problems(field: str, name: str, folder: Path) -> Iterator[ConfigProblem]:
    path = folder / name
    if not path.is_file():
        yield ConfigProblem(field, f"missing file {name}", f"create {name} in the site folder, readable by nobody else")
    elif path.stat().st_mode & 0o077:
        yield ConfigProblem(field, f"{name} can be read by others", f"run: chmod 600 {name}")
    elif not path.read_bytes().strip():
        yield ConfigProblem(field, f"{name} is empty", "write the password into it")


def _certificate_problems(name: str, folder: Path) -> Iterator[ConfigProblem]:
    field = "server_certificate"
    try:
        trusted_certificate(folder / name)
    except FileNotFoundError:
        remedy = f"export the server's certificate (DER or PEM) and save it as {name} in the site folder"
        yield ConfigProblem(field, f"missing file {name}", remedy)
    except (OSError, ValueError) as error:
        yield ConfigProblem(
            field, f"{name} holds no certificate: {error}", "save the server's certificate as DER or PEM"
        )


def _point_problems(points: Sequence[Point]) -> Iterator[ConfigProblem]:
    first: dict[str, str] = {}
    for point in points:
        mistake = node_id_mistake(point.address)
        if mistake is not None:
            message = f"'{point.address}' is no NodeId: {mistake}"
            yield ConfigProblem("address", message, "write it like ns=2;s=TCH.01.N.ELV01.CarPos", point.name)
        elif point.address in first:
            message = f"node {point.address} is also read by {first[point.address]}"
            yield ConfigProblem("address", message, "correct the address of one of them", point.name)
        first.setdefault(point.address, point.name)
        if point.encoding.type:
            message = f"'{point.encoding.type}': OPC UA values bring their type along"
            yield ConfigProblem("type", message, "leave the cell empty", point.name)
        yield from _encoding_problems(point)


def _encoding_problems(point: Point) -> Iterator[ConfigProblem]:
    encoding = point.encoding
    if encoding.word_order != "ABCD":
        yield ConfigProblem("word_order", "OPC UA has one byte order", "leave the cell empty", point.name)
    if not math.isfinite(encoding.scale) or encoding.scale == 0.0:
        message = f"scale {encoding.scale} would hide the value"
        yield ConfigProblem("scale", message, "give a number other than 0", point.name)
    if not math.isfinite(encoding.offset):
        yield ConfigProblem("offset", f"offset {encoding.offset} is no number", "give a number", point.name)
