"""Access, put together: accounts, the ways in, and who may command what."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from cityhall_bms.access.book import AccountBook
from cityhall_bms.access.desk import AccountOffice, Base
from cityhall_bms.access.doors import Porter, RoleAuthority
from cityhall_bms.access.sign_ins import Reception
from cityhall_bms.adapters.argon2_hasher import Argon2Hasher
from cityhall_bms.adapters.oidc import OidcClient, OidcProvider
from cityhall_bms.adapters.postgres.credentials import PostgresCredentials
from cityhall_bms.api.access_services import AccessServices, ProviderWay
from cityhall_bms.domain.permits import places_of
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.settings import OidcSettings, Settings


@dataclass(frozen=True, slots=True)
class AccessParts:
    """What one process needs of access."""

    office: AccountOffice
    services: AccessServices

    @classmethod
    def of(cls, pool: asyncpg.Pool, events: EventLog, clock: Clock, site: Site, settings: Settings) -> "AccessParts":
        """Put them together."""
        base = Base(events, PostgresCredentials(pool), clock)
        office = AccountOffice(base, zones_of(site))
        reception = Reception(base, office, Argon2Hasher(), settings.access.rules)
        services = AccessServices(
            office,
            office,
            reception,
            Porter(base),
            settings.access.metrics_open_on_loopback,
            _way(settings.oidc, clock),
        )
        return cls(office, services)


def _way(settings: OidcSettings, clock: Clock) -> ProviderWay | None:
    """The provider that the settings name."""
    if not settings.issuer:
        return None
    secret = Path(settings.client_secret_file).read_text(encoding="utf-8").strip()
    client = OidcClient(
        settings.issuer, settings.client_id, secret, settings.name_claim, settings.groups_claim, settings.scopes
    )
    return ProviderWay(OidcProvider(client, clock), settings.text, settings.grants)


def authority(events: EventLog) -> RoleAuthority:
    """Who may command what, by the accounts as they are now."""
    return RoleAuthority(AccountBook(events))


def zones_of(site: Site) -> frozenset[str]:
    """Floors, and zones of floors, in which roles may hold: those of the site file, and those that equipment is in."""
    floors = {floor.code for floor in site.floors}
    described = floors | {f"{floor}.{zone.code}" for floor in floors for zone in site.zones}
    return frozenset(described).union(*(places_of(name) for name in site.equipment))
