"""Accounts, sessions and tokens of everybody, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query

from cityhall_bms.api import access_models as models
from cityhall_bms.api.access import Who
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services

router = APIRouter(tags=["accounts"])


@router.get("/accounts", responses=responses(503))
async def list_accounts(services: Services) -> models.AccountList:
    """Every account, with its roles and zones."""
    at = services.clock.now()
    return models.AccountList(items=[models.AccountView.of(each, at) for each in await services.access.accounts.all()])


@router.post("/accounts", status_code=201, responses=responses(409, 415, 422, 503))
async def create_account(services: Services, who: Who, body: models.NewAccount) -> models.AccountView:
    """Make an account; invite it, so that somebody can sign in."""
    grants = [grant.grant() for grant in body.grants]
    made = await services.access.accounts.create(body.name, grants, by=who.name, wall=body.wall)
    return models.AccountView.of(made, services.clock.now())


@router.get("/accounts/{name}", responses=responses(404, 503))
async def get_account(services: Services, name: str) -> models.AccountView:
    """One account, by its name in whatever case."""
    return models.AccountView.of(await services.access.accounts.get(name), services.clock.now())


@router.put("/accounts/{name}/grants", responses=responses(404, 409, 415, 422, 503))
async def grant_roles(services: Services, who: Who, name: str, body: models.Grants) -> models.AccountView:
    """Give an account these roles, and no others; they hold from its next request on."""
    grants = [grant.grant() for grant in body.grants]
    return models.AccountView.of(await services.access.accounts.grant(name, grants, by=who.name), services.clock.now())


@router.post("/accounts/{name}/disablement", responses=responses(404, 409, 415, 422, 503))
async def disable_account(services: Services, who: Who, name: str, body: models.Ending) -> models.AccountView:
    """End an account; its sessions and tokens end with it."""
    ended = await services.access.accounts.disable(name, by=who.name, reason=body.reason)
    return models.AccountView.of(ended, services.clock.now())


@router.delete("/accounts/{name}/disablement", responses=responses(404, 409, 503))
async def enable_account(services: Services, who: Who, name: str) -> models.AccountView:
    """Take a disabled account into use again."""
    return models.AccountView.of(await services.access.accounts.enable(name, by=who.name), services.clock.now())


@router.delete("/accounts/{name}/lock", responses=responses(404, 409, 503))
async def unlock_account(services: Services, who: Who, name: str) -> models.AccountView:
    """Let a locked account try again at once."""
    return models.AccountView.of(await services.access.accounts.unlock(name, by=who.name), services.clock.now())


@router.post("/accounts/{name}/invitations", status_code=201, responses=responses(404, 409, 503))
async def invite_account(services: Services, who: Who, name: str) -> models.InvitationLink:
    """Make a link with which somebody chooses a password; earlier links of the account are good no more."""
    secret = await services.access.accounts.invite(name, by=who.name)
    return models.InvitationLink(path=f"/#/sign-in?invitation={secret}")


@router.get("/sessions", responses=responses(404, 422, 503))
async def list_sessions(
    services: Services, who: Who, account: Annotated[str | None, Query(max_length=100)] = None
) -> models.SessionList:
    """Open sessions, the newest first."""
    found = await services.access.credentials.sessions(account)
    return models.SessionList(items=[models.SessionView.of(each, who.signed_in) for each in found])


@router.delete("/sessions/{session}", status_code=204, responses=responses(404, 503))
async def end_session(services: Services, who: Who, session: str) -> None:
    """End a session of anybody."""
    await services.access.credentials.end_session(session, by=who.name)


@router.get("/tokens", responses=responses(404, 422, 503))
async def list_tokens(
    services: Services, account: Annotated[str | None, Query(max_length=100)] = None
) -> models.TokenList:
    """Tokens that are good, the newest first."""
    found = await services.access.credentials.tokens(account)
    return models.TokenList(items=[models.TokenView.of(each) for each in found])


@router.delete("/tokens/{token}", status_code=204, responses=responses(404, 503))
async def revoke_token(services: Services, who: Who, token: str) -> None:
    """End a token of anybody."""
    await services.access.credentials.revoke_token(token, by=who.name)
