"""What all objects of a BACnet device share: where their values come from, and what the device itself keeps."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from bacpypes3.basetypes import DateTime
from bacpypes3.errors import ExecutionError
from bacpypes3.primitivedata import Date, ObjectIdentifier, Time
from numpy.typing import NDArray

from cityhall_simulators.addresses import bacnet_map
from cityhall_simulators.description import READ_ONLY_SYSTEMS, Device, Point
from cityhall_simulators.faces.bacnet_cov import CovTable
from cityhall_simulators.faces.bacnet_outbox import Outbox
from cityhall_simulators.runtime import City

_JUMP: Final = timedelta(hours=1)


def bacnet_time(moment: datetime) -> DateTime:
    """Date and time as the protocol has them: local, to the hundredth of a second."""
    return DateTime(
        date=Date((moment.year - 1900, moment.month, moment.day, moment.isoweekday())),
        time=Time((moment.hour, moment.minute, moment.second, moment.microsecond // 10_000)),
    )


class ReadOnly:
    """Part of an object that no client may change."""

    async def write_property(self, *_: object, **__: object) -> None:
        """Refuse."""
        raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")


class Shared:
    """One device. Places count its points from zero."""

    outbox: Outbox

    def __init__(self, device: Device, city: City) -> None:
        self.device = device
        self.city = city
        self.device_identifier = ObjectIdentifier(("device", device.device_instance))
        self.is_life_safety = any(item.type.system in READ_ONLY_SYSTEMS for item in device.equipment)
        self.objects = bacnet_map(device)
        self.event_states: NDArray[np.int8] = np.zeros(len(device.points), np.int8)
        self.cov = CovTable(np.array([cov_increment(point) for point in device.points]))
        self._mine = slice(device.points[0].index, device.points[-1].index + 1)
        self._zone = ZoneInfo(city.building.time_zone)

    @property
    def shown(self) -> NDArray[np.float64]:
        """What the sensors show."""
        return self.city.shown[self._mine]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Sensors that are broken."""
        return self.city.bad[self._mine]

    @property
    def flags(self) -> NDArray[np.uint8]:
        """Status flags: 1 in alarm, 2 fault."""
        return (self.event_states != 0).astype(np.uint8) + (2 * self.bad).astype(np.uint8)

    def has_fault(self, name: str) -> bool:
        """Whether the device suffers from a fault."""
        return self.city.has_fault(name, self.device.name)

    def now(self) -> datetime:
        """The device's clock: wall time in the building's zone."""
        return datetime.now(self._zone) + (_JUMP if self.has_fault("clock_jump") else timedelta(0))


def described(point: Point) -> str:
    """Description of a point's object."""
    zh, en = (f"{point.equipment.text.zh} {point.role.text.zh}", f"{point.equipment.text.en} {point.role.text.en}")
    return f"{zh} / {en}"


def cov_increment(point: Point) -> float:
    """How far a value moves before subscribers are told: beyond the noise, which is one resolution each way."""
    if point.role.kind not in {"AI", "AO", "SP", "CI"}:
        return 1.0
    if point.role.resolution > 0.0:
        return 4.0 * point.role.resolution
    return 1.0 if point.role.kind == "CI" else 0.1
