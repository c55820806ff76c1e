"""Who came in, who was turned away, and who left: kept for ever, and never with what they typed."""

from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.access.accounts import key_of
from cityhall_bms.domain.events import Event, stored

SIGN_IN_STREAMS: Final = "sign-in/"
NOBODY: Final = "?"
"""Stands for whoever gave a name that no account has: people type passwords into the wrong field."""


@stored
@dataclass(frozen=True, slots=True)
class SignInAccepted(Event):
    """Somebody signed in: by ``password``, ``invitation``, ``link``, or what an identity provider is called."""

    account: str
    session: str
    how: str
    at: int
    address: str = ""
    agent: str = ""


@stored
@dataclass(frozen=True, slots=True)
class SignInRefused(Event):
    """Somebody was turned away: ``password``, ``unknown``, ``locked``, ``disabled``, ``invitation``."""

    account: str
    reason: str
    at: int
    address: str = ""
    agent: str = ""


@stored
@dataclass(frozen=True, slots=True)
class SignedOut(Event):
    """A session ended before its time, by whoever ended it."""

    account: str
    session: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class TokenMade(Event):
    """A token was made for a program that acts as the account, with these permissions at most."""

    account: str
    token: str
    name: str
    scopes: list[str]
    by: str
    at: int
    until: int


@stored
@dataclass(frozen=True, slots=True)
class TokenRevoked(Event):
    """A token is good no more."""

    account: str
    token: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class PermissionRefused(Event):
    """Somebody wanted what they may not; ``where`` names the route and the equipment, where there is one."""

    account: str
    permission: str
    where: str
    at: int
    token: str = ""


def sign_in_stream(name: str) -> str:
    """Event stream of one account's comings and goings."""
    return f"{SIGN_IN_STREAMS}{key_of(name)}"
