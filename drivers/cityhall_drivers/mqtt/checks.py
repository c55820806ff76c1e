"""Every mistake in an MQTT device and its points that can be found without a network."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.driver import ConfigProblem
from cityhall_drivers.closed_table import read_table
from cityhall_drivers.mqtt.addresses import AddressError, json_address, metric_address
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.point_checks import encoding_problems, repeated_address_problems, secret_problems

JSON_REMEDY = "write it like tele/plug1/SENSOR#ENERGY.Power, or just a topic"
SPARKPLUG_REMEDY = "write it like CityHall/Edge1/Meter1#Power/Active"


def check_device(device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
    """Give all mistakes: first those of the device, then those of its points in their order."""
    config, problems = read_table(MqttConfig, device.settings)
    if config is None:
        return problems
    problems += [*_account_problems(config), *_session_problems(config), *_payload_problems(config)]
    if device.folder:
        problems += _file_problems(config, Path(device.folder))
    return [*problems, *_point_problems(config, points)]


def _account_problems(config: MqttConfig) -> Iterator[ConfigProblem]:
    if config.user is not None and config.password_file is None:
        message = f"user '{config.user}' has no password"
        yield ConfigProblem("password_file", message, "write the password into a file in secrets/ and name it here")
    if config.user is None and config.password_file is not None:
        yield ConfigProblem("password_file", "a password without a user", "add 'user', or delete this key")
    if config.user is not None and not config.tls and not config.password_in_clear:
        message = "the password would cross the network in clear text"
        remedy = "set 'tls = true'; on a network that nobody else can read, 'password_in_clear = true'"
        yield ConfigProblem("user", message, remedy)
    if config.password_in_clear and (config.tls or config.user is None):
        yield ConfigProblem("password_in_clear", "no password crosses the network in clear", "delete this key")
    if config.ca_file is not None and not config.tls:
        yield ConfigProblem(
            "ca_file", "trusted certificates are of no use without TLS", "set 'tls', or delete this key"
        )


def _session_problems(config: MqttConfig) -> Iterator[ConfigProblem]:
    if config.clean_start:
        return
    if config.client_id is None:
        message = "the broker keeps messages for somebody it knows by name"
        yield ConfigProblem("clean_start", message, "add 'client_id', or delete this key")
    if config.payload == "sparkplug":
        message = "Sparkplug sessions begin clean (Sparkplug 3.0, clause 5.2)"
        yield ConfigProblem("clean_start", message, "delete this key")
    elif config.time is None:
        message = "values that the broker kept would be recorded at the wrong time"
        yield ConfigProblem("clean_start", message, "say in 'time' where a payload holds its time, or delete this key")


def _payload_problems(config: MqttConfig) -> Iterator[ConfigProblem]:
    if config.topic is not None and any(sign in config.topic for sign in "+#"):
        yield ConfigProblem("topic", f"'{config.topic}' has a wildcard", "name one device's topic")
    if config.payload == "sparkplug":
        for field in ("time", "availability"):
            if getattr(config, field) is not None:
                message = f"Sparkplug has its own {field}"
                yield ConfigProblem(field, message, "delete this key")
    elif config.availability is not None:
        try:
            json_address(config.availability, config.topic)
        except AddressError as mistake:
            yield ConfigProblem("availability", str(mistake), "write it like tele/plug1/LWT")


def _file_problems(config: MqttConfig, folder: Path) -> Iterator[ConfigProblem]:
    if config.password_file is not None:
        yield from secret_problems("password_file", config.password_file, folder)
    if config.ca_file is not None and not (folder / config.ca_file).is_file():
        remedy = "save the certificate of the broker's authority (PEM) there"
        yield ConfigProblem("ca_file", f"missing file {config.ca_file}", remedy)


def _point_problems(config: MqttConfig, points: Sequence[Point]) -> Iterator[ConfigProblem]:
    read, remedy = (json_address, JSON_REMEDY) if config.payload == "json" else (metric_address, SPARKPLUG_REMEDY)
    understood: list[tuple[Point, object]] = []
    for point in points:
        try:
            understood.append((point, read(point.address, config.topic)))
        except AddressError as mistake:
            yield ConfigProblem("address", f"'{point.address}': {mistake}", remedy, point.name)
        yield from encoding_problems(point, "MQTT")
    yield from repeated_address_problems(understood)
