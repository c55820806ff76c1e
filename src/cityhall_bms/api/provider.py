"""Signing in by an OpenID provider: the browser goes there, and comes back with what the provider says."""

from typing import Final
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from cityhall_bms.api.access import origin_of, set_session
from cityhall_bms.api.access_services import ProviderWay
from cityhall_bms.api.models import Model
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.domain.errors import IdentityRefusedError, NotFoundError, NotSignedInError, RefusedError
from cityhall_bms.ports.access import Grant, Opened, Origin
from cityhall_bms.ports.identity import Vouched

DEPARTED: Final = "bms-departed"
DEPARTED_LASTS_S: Final = 600
REFUSED: Final = "/#/sign-in?refused=provider"

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/session", tags=["session"])


class Ways(Model):
    """How one can sign in here besides by name and password."""

    provider: str | None = Field(
        description="What the way by a provider is called; null: there is none.",
        examples=["市府單一登入 / City sign-on"],
    )


@router.get("/ways")
async def sign_in_ways(services: Services) -> Ways:
    """How one can sign in here."""
    way = services.access.provider
    return Ways(provider=None if way is None else way.text)


@router.get("/oidc", status_code=303, response_class=RedirectResponse, responses=responses(404, 503))
async def begin_oidc(services: Services, request: Request) -> Response:
    """Go to the provider. 404 when there is none."""
    going = await _way(services).provider.begin(_back(request))
    answer = RedirectResponse(going.address, 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        DEPARTED, going.secret, max_age=DEPARTED_LASTS_S, path=request.url.path, httponly=True,
        # The provider's page sends the browser back: of another site, so strict would not do.
        samesite="lax", secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


@router.get("/oidc/callback", status_code=303, response_class=RedirectResponse, responses=responses(404, 429, 503))
async def finish_oidc(services: Services, request: Request) -> Response:
    """Come back from the provider: signed in, or to the page for it, which says that it did not work."""
    way, origin = _way(services), origin_of(request)
    services.limits.sign_in("", origin.address)
    secret = request.cookies.get(DEPARTED, "")
    try:
        vouched = await way.provider.finish(secret, dict(request.query_params), _back(request))
        opened = await _let_in(services, way, vouched, origin)
    except (IdentityRefusedError, RefusedError) as error:
        log.warning("a provider's answer is refused", reason=str(error))
        await services.access.sign_ins.turned_away(str(error), origin)
        return _to(request, REFUSED)
    except NotSignedInError:
        return _to(request, REFUSED)
    answer = _to(request, "/")
    set_session(answer, opened.secret, secure=request.url.scheme == "https")
    return answer


def _way(services: ApiServices) -> ProviderWay:
    if services.access.provider is None:
        msg = "沒有設定單一登入 / no provider is configured here (oidc.issuer)"
        raise NotFoundError(msg)
    return services.access.provider


async def _let_in(services: ApiServices, way: ProviderWay, vouched: Vouched, origin: Origin) -> Opened:
    grants = [grant for group in sorted(vouched.groups & way.grants.keys()) for grant in way.grants[group]]
    if not grants:
        msg = f"{vouched.name} is in no group that may do anything here"
        raise IdentityRefusedError(msg)
    # A name may change hands at the provider, a subject never does: together they are the account.
    provider = f"{vouched.provider}#{quote(vouched.subject, safe='')}"
    return await services.access.sign_ins.from_provider(vouched.name, _distinct(grants), provider, origin)


def _distinct(grants: list[Grant]) -> list[Grant]:
    """One grant for each role, in all of its zones."""
    zones: dict[str, tuple[str, ...]] = {}
    for grant in grants:
        zones[grant.role] = (*zones.get(grant.role, ()), *grant.zones)
    return [Grant(grant.role, tuple(dict.fromkeys(zones.pop(grant.role)))) for grant in grants if grant.role in zones]


def _back(request: Request) -> str:
    return str(request.url_for("finish_oidc"))


def _to(request: Request, where: str) -> RedirectResponse:
    answer = RedirectResponse(where, 303, headers={"Cache-Control": "no-store"})
    answer.delete_cookie(DEPARTED, path=request.url.path.removesuffix("/callback"), httponly=True, samesite="lax")
    return answer
