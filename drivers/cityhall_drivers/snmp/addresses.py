"""What a point's address means: the number of one instance of one object. Pure."""

import difflib
import re
from typing import Final

from cityhall_drivers.snmp.mib import OBJECTS, Oid, known

_NUMBERS: Final = re.compile(r"\.?[0-9]+(?:\.[0-9]+)+", re.ASCII)
_NAMED: Final = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9-]*)(?P<instance>(?:\.[0-9]+)*)", re.ASCII)
PARTS_MAX: Final = 128
PART_MAX: Final = 2**32 - 1
"""Limits of an OBJECT IDENTIFIER (RFC 2578, clause 3.5)."""


class AddressError(ValueError):
    """An address that means nothing; the text says why."""


def oid_of(address: str) -> Oid:
    """Read ``1.3.6.1.2.1.33.1.2.4.0`` or ``upsEstimatedChargeRemaining.0``; :class:`AddressError` for anything else."""
    if _NUMBERS.fullmatch(address):
        return _checked(_parts(address))
    named = _NAMED.fullmatch(address)
    if named is None:
        msg = "it is neither a number like 1.3.6.1.2.1.1.3.0 nor a name with its row, like ifOperStatus.3"
        raise AddressError(msg)
    one = OBJECTS.get(named["name"])
    if one is None:
        near = difflib.get_close_matches(named["name"], OBJECTS, n=1)
        hint = f"did you mean {near[0]}?" if near else "write its number"
        msg = f"no object is known here as {named['name']}: {hint}"
        raise AddressError(msg)
    instance = _parts(named["instance"])
    if one.scalar != (instance == (0,)) or not instance:
        wanted = f"{one.name}.0" if one.scalar else f"{one.name} with its row, like {one.name}.1"
        msg = f"write {wanted}"
        raise AddressError(msg)
    return _checked((*one.oid, *instance))


def address_of(oid: Oid) -> str:
    """Shortest way to write an instance: by name where there is one."""
    found = known(oid)
    if found is None:
        return ".".join(str(part) for part in oid)
    one, instance = found
    return ".".join((one.name, *(str(part) for part in instance)))


def _parts(text: str) -> Oid:
    return tuple(int(part) for part in text.split(".") if part)


def _checked(oid: Oid) -> Oid:
    second_max = 39 if oid[0] < 2 else PART_MAX
    if len(oid) > PARTS_MAX or max(oid) > PART_MAX or oid[0] > 2 or oid[1] > second_max:
        msg = "it is no object identifier: a part is too large, or there are too many"
        raise AddressError(msg)
    return oid
