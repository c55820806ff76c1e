"""Who may command, until accounts say it: everybody who may do anything here may, in a role that commands."""

from typing import Final

from cityhall_bms.domain.site import Equipment
from cityhall_bms.ports.authority import Act, Requester, Role

WATCHING_ROLES: Final = frozenset({Role.VIEWER, Role.AUDITOR})


class StatedRoles:
    """Takes people at their word; see :class:`~cityhall_bms.ports.authority.Authority`."""

    async def refusal(self, who: Requester, act: Act, equipment: Equipment) -> str | None:
        """Viewers and auditors watch; automation asks for nobody's approval, and gives none."""
        if who.role in WATCHING_ROLES or (who.role is Role.SERVICE and act is Act.APPROVE):
            return f"角色 {who.role} 不可操作 {equipment.name} / the role {who.role} does not command {equipment.name}"
        return None
