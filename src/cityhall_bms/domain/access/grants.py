"""Roles, what they permit, and where they hold.

IEC 62443-3-3 SR 2.1 asks for least privilege: who administers accounts does not command the plant for that, and who
audits changes nothing. Somebody who does two things is given two roles.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.permits import places_of

EVERYWHERE: Final = "*"
"""Stands for all zones, and for what belongs to none."""


class Role(StrEnum):
    """What somebody is to the service; ``service`` is the service's own automation, which nobody is granted."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SERVICE = "service"


class Permission(StrEnum):
    """What a route of the API asks for."""

    READ = "read"
    HANDLE_ALARMS = "handle_alarms"
    COMMAND = "command"
    APPROVE = "approve"
    EDIT_RULES = "edit_rules"
    EDIT_POINTS = "edit_points"
    EDIT_ENERGY = "edit_energy"
    EDIT_SCHEDULES = "edit_schedules"
    MAINTAIN = "maintain"
    EXPORT = "export"
    REPORT = "report"
    AUDIT = "audit"
    ADMINISTER = "administer"


_P = Permission
_OPERATING: Final = frozenset({_P.READ, _P.HANDLE_ALARMS, _P.COMMAND, _P.EDIT_SCHEDULES, _P.MAINTAIN, _P.REPORT})

PERMISSIONS_OF: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({_P.READ}),
    Role.OPERATOR: _OPERATING,
    Role.ENGINEER: _OPERATING | {_P.EDIT_RULES, _P.EDIT_POINTS, _P.EDIT_ENERGY, _P.EXPORT},
    Role.SUPERVISOR: _OPERATING | {_P.APPROVE, _P.EXPORT, _P.AUDIT},
    Role.AUDITOR: frozenset({_P.READ, _P.EXPORT, _P.REPORT, _P.AUDIT}),
    Role.ADMIN: frozenset({_P.READ, _P.AUDIT, _P.ADMINISTER}),
    Role.SERVICE: frozenset({_P.READ, _P.COMMAND}),
}
"""What each role permits."""

GRANTABLE: Final = tuple(role for role in Role if role is not Role.SERVICE)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, and the floors (``05``) and zones of floors (``05.W``) in which it holds; ``*`` is everywhere."""

    role: Role
    zones: tuple[str, ...] = (EVERYWHERE,)

    def holds_in(self, places: Iterable[str]) -> bool:
        """Whether it holds in one of some places."""
        return EVERYWHERE in self.zones or not set(self.zones).isdisjoint(places)


Grants = Sequence[Grant]


def parse_grant(word: str) -> Grant:
    """Read ``operator`` or ``operator@05.W``; ``ValueError`` for a role that nobody is granted."""
    name, _, zone = word.partition("@")
    if name not in GRANTABLE:
        msg = f"{word}: write ROLE or ROLE@ZONE, with one of {', '.join(GRANTABLE)}"
        raise ValueError(msg)
    return Grant(Role(name), (zone or EVERYWHERE,))


def permissions_of(grants: Grants) -> frozenset[Permission]:
    """What some grants permit, somewhere."""
    return frozenset().union(*(PERMISSIONS_OF[grant.role] for grant in grants))


def role_for(grants: Grants, permission: Permission, equipment: str | None = None) -> Role | None:
    """The role by which somebody may do something to equipment (``TCH.05.W.AHU01``), or anywhere at all; or none.

    Of several it is the one that permits least, which is what is recorded of an act.
    """
    places = None if equipment is None else places_of(equipment)
    found = [
        grant.role
        for grant in grants
        if permission in PERMISSIONS_OF[grant.role] and (places is None or grant.holds_in(places))
    ]
    return min(found, key=lambda role: len(PERMISSIONS_OF[role]), default=None)


def may_everywhere(grants: Grants, permission: Permission) -> bool:
    """Whether somebody may do something in the whole building: what belongs to no zone asks for that."""
    return any(permission in PERMISSIONS_OF[grant.role] and EVERYWHERE in grant.zones for grant in grants)
