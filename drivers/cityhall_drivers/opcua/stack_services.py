"""What the services of an OPC UA server need of asyncua: errors told apart, and nodes by address."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from asyncua import ua

from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, DriverConfigError
from cityhall_drivers.opcua.stack import FAILURES, in_words

_CODES: Final = ua.StatusCodes
LOST: Final = frozenset(
    {
        _CODES.BadCommunicationError,
        _CODES.BadConnectionClosed,
        _CODES.BadConnectionRejected,
        _CODES.BadDisconnect,
        _CODES.BadNoCommunication,
        _CODES.BadRequestTimeout,
        _CODES.BadSecureChannelClosed,
        _CODES.BadSecureChannelIdInvalid,
        _CODES.BadServerHalted,
        _CODES.BadServerNotConnected,
        _CODES.BadSessionClosed,
        _CODES.BadSessionIdInvalid,
        _CODES.BadSessionNotActivated,
        _CODES.BadShutdown,
        _CODES.BadTcpSecureChannelUnknown,
        _CODES.BadTimeout,
    }
)
"""Statuses of a whole answer that say nothing about the question: asking anew may help."""


@contextmanager
def in_service_words(what: str) -> Iterator[None]:
    """Tell what was refused (:class:`DeviceRefusedError`) from a lost server (:class:`DeviceUnreachableError`)."""
    try:
        yield
    except ua.UaStatusCodeError as error:
        if error.code in LOST:
            raise DeviceUnreachableError(in_words(error)) from error
        msg = f"{what}: {in_words(error)}"
        raise DeviceRefusedError(msg) from error
    except FAILURES as error:
        raise DeviceUnreachableError(in_words(error)) from error


def node_of(address: str) -> ua.NodeId:
    """A node by its address; :class:`DriverConfigError` when that is no NodeId."""
    try:
        return ua.NodeId.from_string(address)
    except ua.UaError as error:
        msg = f"'{address}' is no NodeId"
        raise DriverConfigError(msg) from error


def status_words(status: int) -> str:
    """Name and meaning of a status code."""
    name, meaning = ua.status_codes.get_name_and_doc(status)
    return f"{name}: {meaning}"


def status_name(status: int) -> str:
    """Name of a status code."""
    return str(ua.status_codes.get_name_and_doc(status)[0])
