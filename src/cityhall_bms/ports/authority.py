"""Who may do what where. Roles by zones come with the accounts; until then whoever asks says who they are."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cityhall_bms.domain.site import Equipment


class Role(StrEnum):
    """What somebody is to the service; ``service`` is the service's own automation."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SERVICE = "service"


class Act(StrEnum):
    """What somebody wants to do to a piece of equipment."""

    COMMAND = "command"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, in what role, from where."""

    name: str
    role: Role = Role.OPERATOR
    console: str = ""


class Authority(Protocol):
    """Decides who may. ``EventLogUnavailableError`` when it cannot find out: then nobody may."""

    async def refusal(self, who: Requester, act: Act, equipment: Equipment) -> str | None:
        """Why somebody may not do it, in both languages; none when they may."""
        ...
