"""Forms of accounts, sessions and tokens, as the API takes and gives them. No secret is ever given twice."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, StringConstraints

from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.access.grants import GRANTABLE
from cityhall_bms.ports import access as ports
from cityhall_bms.ports.access import Permission, Role, SignedIn

Name = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=100, strip_whitespace=True)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=500)]
Zone = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=50)]


class Grant(BaseModel):
    """A role, and where it holds."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"role": "operator", "zones": ["05", "06.W"]}}
    )

    role: Role = Field(description=f"One of {', '.join(GRANTABLE)}; nobody is granted `service`.")
    zones: Annotated[list[Zone], Field(min_length=1, max_length=200)] = Field(
        ["*"], description="Floors (`05`) and zones of floors (`05.W`); `*` is the whole building."
    )

    @classmethod
    def of(cls, grant: ports.Grant) -> "Grant":
        """Give the answer's form."""
        return cls(role=grant.role, zones=list(grant.zones))

    def grant(self) -> ports.Grant:
        """In our terms."""
        return ports.Grant(self.role, tuple(self.zones))


class SignIn(BaseModel):
    """Name and password; or an invitation, with the password that is chosen where it asks for one."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "王小明", "password": "correct horse battery"}}
    )

    name: Name | None = None
    password: Secret | None = None
    invitation: Secret | None = None


class InvitationAsked(BaseModel):
    """The secret of a link."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"invitation": "q3v…"}})

    invitation: Secret


class InvitationView(Model):
    """Whom a link is for."""

    account: str = Field(examples=["王小明"])
    enters: bool = Field(description="True: it signs in by itself; false: a password is to be chosen.")
    expires_at: Time


class PasswordChange(BaseModel):
    """The password in use, and the one to come."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"old": "…", "new": "…"}})

    old: Secret
    new: Secret


class Session(Model):
    """Who is signed in, what they may do where, and until when."""

    account: str = Field(examples=["王小明"])
    grants: list[Grant]
    permissions: dict[Permission, list[str]] = Field(description="Where each permission holds; `*` is everywhere.")
    wall: bool
    provider: str = Field(description="Who vouches for them; empty: their password.")
    ends_at: Time = Field(description="When the session ends if nobody does anything.")
    idle_s: float | None = Field(description="After how long without activity it ends; null: it does not.")


class SessionView(Model):
    """An open session, as it is listed."""

    session: str
    account: str
    begun_at: Time
    active_at: Time
    ends_at: Time
    address: str
    agent: str
    how: str = Field(description="`password`, `invitation`, `link`, or the name of an identity provider.")
    own: bool = Field(description="The very session that asks.")

    @classmethod
    def of(cls, record: ports.SessionRecord, asking: SignedIn) -> "SessionView":
        """Give the answer's form."""
        return cls(
            session=record.session,
            account=record.account,
            begun_at=to_rfc3339(record.begun_at) or "",
            active_at=to_rfc3339(record.active_at) or "",
            ends_at=to_rfc3339(record.ends_at) or "",
            address=record.origin.address,
            agent=record.origin.agent,
            how=record.by,
            own=record.session == asking.session,
        )


class SessionList(Model):
    """Open sessions, the newest first."""

    items: list[SessionView]


class NewToken(BaseModel):
    """What a program may do in the account's name, and for how long."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "energy portal", "scopes": ["read", "export"], "days": 90}},
    )

    name: Name
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=len(Permission))]
    days: Annotated[int, Field(ge=1, le=366)] = 90


class TokenView(Model):
    """A token, without what makes it work."""

    token: str = Field(description="Its name for lists and events; opens nothing.")
    account: str
    name: str
    scopes: list[Permission]
    made_at: Time
    expires_at: Time
    used_at: Time | None = Field(description="To the minute; null: never.")

    @classmethod
    def of(cls, record: ports.TokenRecord) -> "TokenView":
        """Give the answer's form."""
        return cls(
            token=record.token,
            account=record.account,
            name=record.name,
            scopes=list(record.scopes),
            made_at=to_rfc3339(record.made_at) or "",
            expires_at=to_rfc3339(record.expires_at) or "",
            used_at=to_rfc3339(record.used_at),
        )


class MadeToken(Model):
    """A new token; its secret is shown this once."""

    secret: str = Field(examples=["bms_q3v…"])
    token: TokenView


class TokenList(Model):
    """Tokens that are good, the newest first."""

    items: list[TokenView]


class NewAccount(BaseModel):
    """An account, with its first roles."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "王小明", "grants": [{"role": "operator", "zones": ["05"]}]}},
    )

    name: Name
    grants: Annotated[list[Grant], Field(min_length=1, max_length=20)]
    wall: StrictBool = Field(default=False, description="Of a wall view: reads only, and stays signed in.")


class Grants(BaseModel):
    """The roles that an account is to have, and no others."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"grants": [{"role": "engineer", "zones": ["*"]}]}}
    )

    grants: Annotated[list[Grant], Field(max_length=20)]


class Ending(BaseModel):
    """Why an account is over."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "離職"}})

    reason: Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=500, strip_whitespace=True)]


class AccountView(Model):
    """One account as it stands."""

    name: str
    grants: list[Grant]
    wall: bool
    provider: str
    created_at: Time
    password_at: Time | None = Field(description="When its password was chosen; null: not yet.")
    locked_until: Time | None = Field(description="Null: it is not locked.")
    disabled: bool

    @classmethod
    def of(cls, account: ports.Account, at: int) -> "AccountView":
        """Give the answer's form, as of a time (µs UTC)."""
        return cls(
            name=account.name,
            grants=[Grant.of(grant) for grant in account.grants],
            wall=account.wall,
            provider=account.provider,
            created_at=to_rfc3339(account.created_at) or "",
            password_at=to_rfc3339(account.password_at),
            locked_until=to_rfc3339(account.locked_until) if account.locked(at) else None,
            disabled=account.disabled,
        )


class AccountList(Model):
    """Every account, by name."""

    items: list[AccountView]


class InvitationLink(Model):
    """A link for somebody to choose a password with; shown this once, good once and for a day."""

    path: str = Field(examples=["/#/sign-in?invitation=q3v…"])
