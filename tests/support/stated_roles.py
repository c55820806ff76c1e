"""Takes people at their word, for tests of commands that are not about accounts."""

from cityhall_bms.domain.site import Equipment
from cityhall_bms.ports.access import PERMISSIONS_OF, Permission, Requester


class StatedRoles:
    """See :class:`~cityhall_bms.ports.access.Authority`: the role that a requester states holds everywhere.

    ``taken`` names those whose roles were taken away.
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()

    async def refusal(self, who: Requester, what: Permission, equipment: Equipment) -> str | None:
        if who.name not in self.taken and what in PERMISSIONS_OF[who.role]:
            return None
        return f"角色 {who.role} 不可操作 {equipment.name} / the role {who.role} does not command {equipment.name}"
