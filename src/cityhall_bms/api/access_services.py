"""What the API needs to know who asks."""

from dataclasses import dataclass

from cityhall_bms.ports.access import AccountDesk, Credentials, Doorkeeper, SignIns


@dataclass(frozen=True, slots=True)
class AccessServices:
    """Accounts, and the ways in."""

    accounts: AccountDesk
    credentials: Credentials
    sign_ins: SignIns
    door: Doorkeeper
    metrics_open_on_loopback: bool = True
