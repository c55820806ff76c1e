"""Signing in, who one is, and leaving; one's own password, sessions and tokens."""

from fastapi import APIRouter, Request, Response

from cityhall_bms.api import access_models as models
from cityhall_bms.api.access import COOKIE, SECURE_COOKIE, Caller, Who, origin_of, set_session
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.ports.access import Opened

router = APIRouter(prefix="/session", tags=["session"])


@router.post("", status_code=201, responses=responses(401, 409, 415, 422, 503))
async def sign_in(services: Services, body: models.SignIn, request: Request, response: Response) -> models.Session:
    """Sign in, with a name and a password or with an invitation.

    401 says that it was wrong and not what: the name, the password, or that the account is locked. 409 says what is
    wrong with a password that is chosen.
    """
    opened = await _opened(services, body, request)
    set_session(response, opened.secret, secure=request.url.scheme == "https")
    response.headers["Cache-Control"] = "no-store"
    return _session(Caller(opened.who, services, "sign_in"))


async def _opened(services: Services, body: models.SignIn, request: Request) -> Opened:
    desk, password = services.access.sign_ins, None if body.password is None else body.password.get_secret_value()
    origin = origin_of(request)
    services.limits.sign_in("" if body.name is None else body.name, origin.address)
    if body.invitation is not None:
        return await desk.with_invitation(body.invitation.get_secret_value(), password, origin)
    if body.name is None or password is None:
        msg = "需帳號與密碼 / a name and a password are needed"
        raise RefusedError(msg)
    return await desk.with_password(body.name, password, origin)


@router.post("/invitation", responses=responses(401, 415, 422, 503))
async def read_invitation(services: Services, body: models.InvitationAsked, request: Request) -> models.InvitationView:
    """Whom a link is for, as long as it is good; it stays good."""
    services.limits.sign_in("", origin_of(request).address)
    found = await services.access.sign_ins.invitation(body.invitation.get_secret_value())
    return models.InvitationView(
        account=found.account, enters=found.enters, expires_at=to_rfc3339(found.expires_at) or ""
    )


@router.get("", responses=responses(503))
async def get_session(who: Who) -> models.Session:
    """Who is signed in, what they may do where, and until when. Asking is no activity."""
    return _session(who)


@router.delete("", status_code=204, responses=responses(503))
async def sign_out(services: Services, who: Who, response: Response) -> None:
    """End one's own session."""
    await services.access.sign_ins.sign_out(who.signed_in)
    for name, secure in ((COOKIE, False), (SECURE_COOKIE, True)):
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")


@router.post("/activity", responses=responses(503))
async def keep_session(services: Services, who: Who) -> models.Session:
    """A person did something: the idle time begins anew."""
    return _session(Caller(await services.access.door.active(who.signed_in), services, who.route))


@router.post("/password", status_code=204, responses=responses(409, 415, 422, 503))
async def change_password(services: Services, who: Who, body: models.PasswordChange) -> None:
    """Choose another password; every other session of the account ends."""
    old, new = body.old.get_secret_value(), body.new.get_secret_value()
    await services.access.sign_ins.change_password(who.signed_in, old, new)


@router.get("/sessions", responses=responses(503))
async def list_own_sessions(services: Services, who: Who) -> models.SessionList:
    """One's own open sessions, this one among them."""
    found = await services.access.credentials.sessions(who.name)
    return models.SessionList(items=[models.SessionView.of(each, who.signed_in) for each in found])


@router.delete("/sessions/{session}", status_code=204, responses=responses(404, 422, 503))
async def end_own_session(services: Services, who: Who, session: str) -> None:
    """End another session of one's own."""
    if session not in {each.session for each in await services.access.credentials.sessions(who.name)}:
        msg = "沒有這個連線 / no session of yours is named so"
        raise NotFoundError(msg)
    await services.access.credentials.end_session(session, by=who.name)


@router.get("/tokens", responses=responses(503))
async def list_own_tokens(services: Services, who: Who) -> models.TokenList:
    """One's own tokens."""
    return models.TokenList(
        items=[models.TokenView.of(each) for each in await services.access.credentials.tokens(who.name)]
    )


@router.post("/tokens", status_code=201, responses=responses(409, 415, 422, 503))
async def make_own_token(services: Services, who: Who, body: models.NewToken) -> models.MadeToken:
    """Make a token for a program that acts in one's own name. A token makes no tokens."""
    if who.signed_in.token:
        msg = "權杖不可再產生權杖 / a token makes no tokens; sign in"
        raise RefusedError(msg)
    made = await services.access.credentials.make_token(who.name, body.name, body.scopes, body.days, by=who.name)
    return models.MadeToken(secret=made.secret, token=models.TokenView.of(made.record))


@router.delete("/tokens/{token}", status_code=204, responses=responses(404, 422, 503))
async def revoke_own_token(services: Services, who: Who, token: str) -> None:
    """End a token of one's own."""
    if token not in {each.token for each in await services.access.credentials.tokens(who.name)}:
        msg = "沒有這個權杖 / no token of yours is named so"
        raise NotFoundError(msg)
    await services.access.credentials.revoke_token(token, by=who.name)


def _session(who: Caller) -> models.Session:
    account = who.signed_in.account
    return models.Session(
        account=account.name,
        grants=[models.Grant.of(grant) for grant in account.grants],
        permissions={each: sorted(who.zones(each)) for each in sorted(who.signed_in.permissions)},
        wall=account.wall,
        provider=account.provider,
        ends_at=to_rfc3339(who.signed_in.ends_at) or "",
        idle_s=who.signed_in.idle_s,
    )
