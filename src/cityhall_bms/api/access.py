"""Who asks: by a session's cookie or a token, never by what a body says. Every route passes here.

A route takes ``who: Who``; what it records as ``by`` is ``who.name``. Whether the route may be used at all was decided
before it runs (:mod:`cityhall_bms.api.permissions`); where it acts on equipment it asks ``who.require`` itself.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Response, WebSocketException
from starlette.requests import HTTPConnection

from cityhall_bms.api.permissions import BUILDING_WIDE, PERMISSIONS, Asked, Door
from cityhall_bms.api.services import ApiServices
from cityhall_bms.domain.errors import ForbiddenError, NotSignedInError, TooManyError
from cityhall_bms.ports.access import EVERYWHERE, PERMISSIONS_OF, Origin, Permission, Requester, SignedIn

COOKIE: Final = "bms-session"
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
"""Over TLS; a browser takes a cookie of this name only for this very host, and only over TLS."""
BEARER: Final = "bearer "
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY_VIOLATION: Final = 1008
NOT_SIGNED_IN: Final = "請先登入 / sign in first"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who uses a route, and what they may do where."""

    signed_in: SignedIn
    services: ApiServices
    route: str

    @property
    def name(self) -> str:
        """What is recorded as ``by``."""
        return self.signed_in.name

    def may(self, permission: Permission, equipment: str | None = None) -> bool:
        """Whether they may do something to equipment (``TCH.05.W.AHU01``); none: in the whole building."""
        if equipment is not None:
            return self.signed_in.role_for(permission, equipment) is not None
        return EVERYWHERE in self.zones(permission)

    def zones(self, permission: Permission) -> frozenset[str]:
        """Floors and zones in which they may do something; ``*`` is everywhere."""
        if permission not in self.signed_in.permissions:
            return frozenset()
        grants = [each for each in self.signed_in.account.grants if permission in PERMISSIONS_OF[each.role]]
        return frozenset().union(*(each.zones for each in grants))

    async def require(self, permission: Permission, equipment: str | None = None) -> None:
        """:class:`ForbiddenError`, which is recorded, unless they may."""
        if not self.may(permission, equipment):
            raise await refused(self.services, self.signed_in, permission, f"{self.route} {equipment or ''}".strip())

    async def requester(self, permission: Permission, equipment: str | None, console: str = "") -> Requester:
        """Who asks for a command, in the role by which they may; :class:`ForbiddenError` when in none."""
        role = self.signed_in.role_for(permission, equipment)
        if role is None:
            raise await refused(self.services, self.signed_in, permission, f"{self.route} {equipment or ''}".strip())
        return Requester(self.name, role, console)


async def identify(connection: HTTPConnection) -> SignedIn | None:
    """Who asks; none when it is nobody whom the service knows."""
    door = connection.app.state.services.access.door
    told = connection.headers.get("authorization", "")
    if told:
        return await door.by_token(told[len(BEARER) :].strip()) if told.lower().startswith(BEARER) else None
    secret = connection.cookies.get(SECURE_COOKIE) or connection.cookies.get(COOKIE)
    return await door.by_session(secret) if secret else None


async def may_read(connection: HTTPConnection) -> bool:
    """Whether who asks is still signed in, and may still read: asked again and again of a stream."""
    who = await identify(connection)
    return who is not None and Permission.READ in who.permissions


async def refused(services: ApiServices, who: SignedIn, permission: Asked, where: str) -> ForbiddenError:
    """Record that somebody wanted what they may not; gives the error to raise."""
    if isinstance(permission, Permission):
        await services.access.door.refused(who, permission, where)
    return ForbiddenError(f"{who.name} 無此權限（{permission}） / {who.name} may not do this ({permission})")


async def caller(connection: HTTPConnection) -> Caller | None:
    """Let in whoever may use the route that was asked for: none for one that is open to all.

    :class:`NotSignedInError` or :class:`ForbiddenError` for everybody else; a socket is not opened for them.
    """
    try:
        return await _caller(connection)
    except (NotSignedInError, ForbiddenError, TooManyError) as error:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(POLICY_VIOLATION, str(error)) from error
        raise


async def _caller(connection: HTTPConnection) -> Caller | None:
    services: ApiServices = connection.app.state.services
    route = connection.scope["route"].name
    asked = PERMISSIONS[route]
    if asked is Door.OPEN:
        services.limits.request(origin_of(connection).address)
        return None
    who = await identify(connection)
    services.limits.request(origin_of(connection).address if who is None else who.session or who.token)
    if who is None:
        raise NotSignedInError(NOT_SIGNED_IN)
    found = Caller(who, services, route)
    if isinstance(asked, Permission):
        somewhere = found.may(asked) if asked in BUILDING_WIDE else who.role_for(asked) is not None
        if not somewhere:
            raise await refused(services, who, asked, route)
    if connection.scope["type"] == "http" and connection.scope["method"] not in SAFE_METHODS:
        await services.access.door.active(who)
    return found


async def known(found: Annotated[Caller | None, Depends(caller)]) -> Caller:
    """Whoever asks, at a route that asks who they are."""
    assert found is not None  # noqa: S101 - a route that takes them is open to nobody else
    return found


Who = Annotated[Caller, Depends(known)]


def set_session(response: Response, secret: str, *, secure: bool) -> None:
    """Give a browser its session: out of reach of scripts and of other sites' pages."""
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE, secret, path="/", secure=secure, httponly=True, samesite="strict"
    )


def origin_of(connection: HTTPConnection) -> Origin:
    """Where a request comes from."""
    client = connection.client
    return Origin("" if client is None else client.host, connection.headers.get("user-agent", ""))
