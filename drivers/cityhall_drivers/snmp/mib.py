"""The few standard objects that are known by name.

They are those of UPS-MIB (RFC 1628), IF-MIB (RFC 2863) and HOST-RESOURCES-MIB (RFC 2790) that measure something.
Everything else is addressed by its number. An object in a table is followed by its row, any other one by ``.0``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

Oid = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MibObject:
    """One object: its number without the instance; ``unit`` as in the MIB (``0.1 V`` is tenths of a volt)."""

    name: str
    oid: Oid
    unit: str
    scalar: bool
    states: Mapping[int, str] = field(default_factory=dict)


def _states(text: str) -> dict[int, str]:
    """States from 1 on, as MIBs number them."""
    return dict(enumerate(text.split(), 1))


Row = tuple[str, str, str, str]
"""Name, place below the group's number, unit, states."""


def _scalars(base: str, *rows: Row) -> list[MibObject]:
    return [replace(one, scalar=True) for one in _columns(base, *rows)]


def _columns(base: str, *rows: Row) -> list[MibObject]:
    return [
        MibObject(name, _oid(f"{base}.{place}"), unit, scalar=False, states=_states(states))
        for name, place, unit, states in rows
    ]


def _oid(text: str) -> Oid:
    return tuple(int(part) for part in text.split("."))


_IF_STATES: Final = "up down testing unknown dormant notPresent lowerLayerDown"

_TABLE: Final = (
    *_scalars("1.3.6.1.2.1.1", ("sysUpTime", "3", "0.01 s", "")),
    *_scalars(
        "1.3.6.1.2.1.33.1",
        ("upsBatteryStatus", "2.1", "", "unknown batteryNormal batteryLow batteryDepleted"),
        ("upsSecondsOnBattery", "2.2", "s", ""),
        ("upsEstimatedMinutesRemaining", "2.3", "min", ""),
        ("upsEstimatedChargeRemaining", "2.4", "%", ""),
        ("upsBatteryVoltage", "2.5", "0.1 V", ""),
        ("upsBatteryCurrent", "2.6", "0.1 A", ""),
        ("upsBatteryTemperature", "2.7", "°C", ""),
        ("upsInputLineBads", "3.1", "", ""),
        ("upsInputNumLines", "3.2", "", ""),
        ("upsOutputSource", "4.1", "", "other none normal bypass battery booster reducer"),
        ("upsOutputFrequency", "4.2", "0.1 Hz", ""),
        ("upsOutputNumLines", "4.3", "", ""),
        ("upsBypassFrequency", "5.1", "0.1 Hz", ""),
        ("upsBypassNumLines", "5.2", "", ""),
        ("upsAlarmsPresent", "6.1", "", ""),
        ("upsTestResultsSummary", "7.3", "", "donePass doneWarning doneError aborted inProgress noTestsInitiated"),
    ),
    *_columns(
        "1.3.6.1.2.1.33.1",
        ("upsInputFrequency", "3.3.1.2", "0.1 Hz", ""),
        ("upsInputVoltage", "3.3.1.3", "V", ""),
        ("upsInputCurrent", "3.3.1.4", "0.1 A", ""),
        ("upsInputTruePower", "3.3.1.5", "W", ""),
        ("upsOutputVoltage", "4.4.1.2", "V", ""),
        ("upsOutputCurrent", "4.4.1.3", "0.1 A", ""),
        ("upsOutputPower", "4.4.1.4", "W", ""),
        ("upsOutputPercentLoad", "4.4.1.5", "%", ""),
        ("upsBypassVoltage", "5.3.1.2", "V", ""),
        ("upsBypassCurrent", "5.3.1.3", "0.1 A", ""),
        ("upsBypassPower", "5.3.1.4", "W", ""),
    ),
    *_scalars("1.3.6.1.2.1.2", ("ifNumber", "1", "", "")),
    *_columns(
        "1.3.6.1.2.1.2.2.1",
        ("ifMtu", "4", "B", ""),
        ("ifSpeed", "5", "bit/s", ""),
        ("ifAdminStatus", "7", "", "up down testing"),
        ("ifOperStatus", "8", "", _IF_STATES),
        ("ifLastChange", "9", "0.01 s", ""),
        ("ifInOctets", "10", "B", ""),
        ("ifInUcastPkts", "11", "", ""),
        ("ifInDiscards", "13", "", ""),
        ("ifInErrors", "14", "", ""),
        ("ifOutOctets", "16", "B", ""),
        ("ifOutUcastPkts", "17", "", ""),
        ("ifOutDiscards", "19", "", ""),
        ("ifOutErrors", "20", "", ""),
    ),
    *_columns(
        "1.3.6.1.2.1.31.1.1.1",
        ("ifHCInOctets", "6", "B", ""),
        ("ifHCInUcastPkts", "7", "", ""),
        ("ifHCOutOctets", "10", "B", ""),
        ("ifHCOutUcastPkts", "11", "", ""),
        ("ifHighSpeed", "15", "Mbit/s", ""),
        ("ifConnectorPresent", "17", "", "true false"),
    ),
    *_scalars(
        "1.3.6.1.2.1.25",
        ("hrSystemUptime", "1.1", "0.01 s", ""),
        ("hrSystemNumUsers", "1.5", "", ""),
        ("hrSystemProcesses", "1.6", "", ""),
        ("hrMemorySize", "2.2", "KiB", ""),
    ),
    *_columns(
        "1.3.6.1.2.1.25",
        ("hrStorageAllocationUnits", "2.3.1.4", "B", ""),
        ("hrStorageSize", "2.3.1.5", "", ""),
        ("hrStorageUsed", "2.3.1.6", "", ""),
        ("hrStorageAllocationFailures", "2.3.1.7", "", ""),
        ("hrDeviceStatus", "3.2.1.5", "", "unknown running warning testing down"),
        ("hrDeviceErrors", "3.2.1.6", "", ""),
        ("hrProcessorLoad", "3.3.1.2", "%", ""),
    ),
)

OBJECTS: Final = MappingProxyType({one.name: one for one in _TABLE})
BY_OID: Final = MappingProxyType({one.oid: one for one in _TABLE})
TREES: Final[tuple[Oid, ...]] = (
    (1, 3, 6, 1, 2, 1, 33, 1),
    (1, 3, 6, 1, 2, 1, 2),
    (1, 3, 6, 1, 2, 1, 31, 1, 1),
    (1, 3, 6, 1, 2, 1, 25),
)
"""Where the objects with names live: what is walked when an engineer looks for points."""
SYS_DESCR: Final[Oid] = (1, 3, 6, 1, 2, 1, 1, 1, 0)
SYS_OBJECT_ID: Final[Oid] = (1, 3, 6, 1, 2, 1, 1, 2, 0)
SYS_UP_TIME: Final[Oid] = (1, 3, 6, 1, 2, 1, 1, 3, 0)
SYS_NAME: Final[Oid] = (1, 3, 6, 1, 2, 1, 1, 5, 0)
"""RFC 3418: what every agent has."""


def known(oid: Oid) -> tuple[MibObject, Oid] | None:
    """Object of which this is an instance, and the instance; none when it has no name here."""
    for length in range(len(oid) - 1, 6, -1):
        one = BY_OID.get(oid[:length])
        if one is not None:
            return one, oid[length:]
    return None
