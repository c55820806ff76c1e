"""Every mistake in an OPC UA device and its points that can be found without a network."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cityhall_bms.domain.commands import WRITABLE_KINDS
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.driver import ConfigProblem
from cityhall_drivers.closed_table import read_table
from cityhall_drivers.opcua.certificates import IDENTITY_FILE, trusted_certificate
from cityhall_drivers.opcua.codec import node_id_mistake
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.methods import address_mistake, is_method
from cityhall_drivers.point_checks import encoding_problems, repeated_address_problems, secret_problems

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
        problems += _alarm_problems(config)
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


def _alarm_problems(config: OpcUaConfig) -> Iterator[ConfigProblem]:
    mistake = node_id_mistake(config.notifier)
    if mistake is not None:
        message = f"'{config.notifier}' is no NodeId: {mistake}"
        yield ConfigProblem("notifier", message, "leave it out: the Server object tells the events of all others")
    if config.acknowledge and not config.notices:
        yield ConfigProblem("acknowledge", "alarms that nobody hears", "set notices = true, or delete this key")


def _file_problems(config: OpcUaConfig, folder: Path) -> Iterator[ConfigProblem]:
    if config.password_file is not None:
        yield from secret_problems("password_file", config.password_file, folder)
    if config.server_certificate is not None:
        yield from _certificate_problems(config.server_certificate, folder)
    if config.encrypted and (folder / IDENTITY_FILE).exists():
        yield from secret_problems("security", IDENTITY_FILE, folder)


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
    understood = []
    for point in points:
        mistake = address_mistake(point.address)
        if mistake is None:
            understood.append((point, point.address))
        else:
            message = f"'{point.address}' is no NodeId: {mistake}"
            yield ConfigProblem("address", message, "write it like ns=2;s=TCH.01.N.ELV01.CarPos", point.name)
        if is_method(point.address) and point.kind not in WRITABLE_KINDS:
            message = f"a method is called, not read; kind {point.kind} is read"
            yield ConfigProblem("kind", message, "give the kind AO, DO, MO or SP", point.name)
        yield from encoding_problems(point, "OPC UA")
    yield from repeated_address_problems(understood)
    if points and all(is_method(point.address) for point in points):
        message = "every point of this device is a method: none of them shows whether it lives"
        yield ConfigProblem("address", message, "add a point that can be read, like i=2258, the server's time")
