"""What the API needs to know who asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cityhall_bms.ports.access import AccountDesk, Credentials, Doorkeeper, Grant, SignIns
from cityhall_bms.ports.identity import IdentityProvider


@dataclass(frozen=True, slots=True)
class ProviderWay:
    """A provider that says who people are, what its way in is called, and what its groups may do."""

    provider: IdentityProvider
    text: str
    grants: Mapping[str, Sequence[Grant]]


@dataclass(frozen=True, slots=True)
class AccessServices:
    """Accounts, and the ways in."""

    accounts: AccountDesk
    credentials: Credentials
    sign_ins: SignIns
    door: Doorkeeper
    metrics_open_on_loopback: bool = True
    provider: ProviderWay | None = None
    streams_checked_every_s: float = 10.0
    """How often it is looked whether whoever reads a stream is still signed in."""
