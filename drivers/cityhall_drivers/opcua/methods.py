"""Addresses of methods: ``method:OBJECT|METHOD``, two NodeIds. Pure."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.codec import node_id_mistake

_PREFIX: Final = "method:"
_METHOD: Final = re.compile(r"method:(?P<object>.+)\|(?P<method>(?:ns=\d+;)?[isgb]=.+)", re.DOTALL)


class Method(NamedTuple):
    """A method of an object, both by their NodeIds: one method may belong to several objects."""

    object: str
    method: str


def method_of(address: str) -> Method | None:
    """The method that an address names; none when it names a variable, or nothing."""
    match = _METHOD.fullmatch(address)
    return None if match is None else Method(match["object"], match["method"])


def is_method(address: str) -> bool:
    """Whether an address is meant to be that of a method: there is nothing to read there."""
    return address.startswith(_PREFIX)


def readable(points: Sequence[BoundPoint]) -> list[BoundPoint]:
    """Points that have a value; a method is called, and has none."""
    return [bound for bound in points if not is_method(bound.point.address)]


def address_mistake(address: str) -> str | None:
    """What is wrong with the address of a variable or a method; none when nothing is."""
    if not is_method(address):
        return node_id_mistake(address)
    method = method_of(address)
    if method is None:
        return "it is not method:OBJECT|METHOD with the NodeIds of an object and of its method"
    return node_id_mistake(method.object) or node_id_mistake(method.method)
