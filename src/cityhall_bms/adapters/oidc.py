"""An OpenID Connect provider: authorisation code with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636, 9700).

What was begun is kept in memory for ten minutes: after a restart of the service a person begins anew.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException, Session

from cityhall_bms.domain.errors import IdentityProviderUnavailableError, IdentityRefusedError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.identity import Departure, Vouched

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures by a key that only the provider has; never `none`, never a shared secret (RFC 8725 3.1)."""
SCOPE: Final = "openid profile"
TIMEOUT_S: Final = 10.0
LEEWAY_S: Final = 60
"""By how much the clocks of provider and service may differ."""
BEGUN_LASTS_S: Final = 600.0
BEGUN_MAX: Final = 1_000
METADATA_LASTS_S: Final = 3_600.0
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class OidcClient:
    """How the provider knows us, and which of its claims we read."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Begun:
    state: str
    nonce: str
    verifier: str = field(repr=False)
    ends_at_s: float


@dataclass(frozen=True, slots=True)
class _Metadata:
    endpoints: Mapping[str, str]
    keys: KeySet
    read_at_s: float


class OidcProvider:
    """See :class:`~cityhall_bms.ports.identity.IdentityProvider`."""

    def __init__(self, client: OidcClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._begun: dict[bytes, _Begun] = {}
        self._metadata: _Metadata | None = None

    async def begin(self, back: str) -> Departure:
        """Begin to sign somebody in."""
        metadata = await self._known()
        begun = _Begun(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48),
            self._clock.monotonic() + BEGUN_LASTS_S,
        )  # fmt: skip
        secret = secrets.token_urlsafe(32)
        self._forget()
        self._begun[_digest(secret)] = begun
        with self._session(back) as session:
            address, _ = session.create_authorization_url(
                metadata.endpoints["authorization_endpoint"],
                state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier,
            )  # fmt: skip
        return Departure(address, secret)

    async def finish(self, secret: str, answer: Mapping[str, str], back: str) -> Vouched:
        """Take what the browser brought back, once."""
        self._forget()
        begun = self._begun.pop(_digest(secret), None)
        if begun is None or not hmac.compare_digest(begun.state.encode(), answer.get("state", "").encode()):
            msg = "nobody began to sign in with this browser, or more than ten minutes ago"
            raise IdentityRefusedError(msg)
        if "iss" in answer and answer["iss"] != self._client.issuer:
            msg = "another provider answered"
            raise IdentityRefusedError(msg)
        if "code" not in answer:
            # What the provider says is not shown: anybody can write it into an address.
            msg = "the provider did not sign the person in"
            raise IdentityRefusedError(msg)
        token = await self._exchange(answer["code"], begun, back)
        return self._vouched(await self._claims(token, begun))

    async def _exchange(self, code: str, begun: _Begun, back: str) -> Mapping[str, Any]:
        metadata = await self._known()

        def ask() -> Mapping[str, Any]:
            with self._session(back) as session:
                found: Mapping[str, Any] = session.fetch_token(
                    metadata.endpoints["token_endpoint"], code=code, code_verifier=begun.verifier
                )
            return found

        try:
            return await asyncio.to_thread(ask)
        except AuthlibBaseError as error:
            msg = f"the provider does not take its own code ({error.error})"
            raise IdentityRefusedError(msg) from error
        except (RequestException, ValueError) as error:
            raise _unavailable(error) from error

    async def _claims(self, token: Mapping[str, Any], begun: _Begun) -> CodeIDToken:
        """Claims of an ID token that is good (OpenID Connect Core 1.0 3.1.3.7)."""
        text = token.get("id_token")
        if not isinstance(text, str):
            msg = "the provider gave no ID token"
            raise IdentityRefusedError(msg)
        found = await self._decoded(text)
        expected = {
            "iss": {"essential": True, "value": self._client.issuer},
            "aud": {"essential": True, "value": self._client.client_id},
            "nonce": {"essential": True, "value": begun.nonce},
            "exp": {"essential": True},
        }
        known = {"nonce": begun.nonce, "client_id": self._client.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(found.claims, found.header, expected, known)
        try:
            claims.validate(now=self._clock.now() // 1_000_000, leeway=LEEWAY_S)
        except (AuthlibBaseError, JoseError) as error:
            msg = f"the ID token is not good: {error.error} {error.description or ''}".strip()
            raise IdentityRefusedError(msg) from error
        return claims

    async def _decoded(self, text: str) -> jwt.Token:
        """Verify the signature; with keys read anew when the provider may have changed them."""
        for fresh in (False, True):
            metadata = await self._known(fresh=fresh)
            try:
                return jwt.decode(text, metadata.keys, algorithms=list(ALGORITHMS))
            except (JoseError, ValueError):
                continue
        msg = "the ID token is not signed by the provider"
        raise IdentityRefusedError(msg)

    def _vouched(self, claims: Mapping[str, Any]) -> Vouched:
        name, groups = claims.get(self._client.name_claim), claims.get(self._client.groups_claim, [])
        if not isinstance(name, str) or not name.strip():
            msg = f"the ID token has no {self._client.name_claim}"
            raise IdentityRefusedError(msg)
        listed = groups if isinstance(groups, list) else [groups]
        named = frozenset(group for group in listed if isinstance(group, str))
        return Vouched(self._client.issuer, str(claims["sub"]), name.strip(), named)

    async def _known(self, *, fresh: bool = False) -> _Metadata:
        """What the provider says of itself (OpenID Connect Discovery 1.0 4)."""
        now = self._clock.monotonic()
        if self._metadata is None or fresh or now - self._metadata.read_at_s > METADATA_LASTS_S:
            self._metadata = await asyncio.to_thread(self._read, now)
        return self._metadata

    def _read(self, now_s: float) -> _Metadata:
        try:
            with Session() as session:
                told = session.get(
                    f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration", timeout=TIMEOUT_S
                ).json()
                endpoints = _endpoints(told, self._client.issuer)
                keys = KeySet.import_key_set(session.get(endpoints["jwks_uri"], timeout=TIMEOUT_S).json())
        except (RequestException, JoseError, ValueError, KeyError, TypeError) as error:
            raise _unavailable(error) from error
        return _Metadata(endpoints, keys, now_s)

    def _session(self, back: str) -> OAuth2Session:
        return OAuth2Session(
            self._client.client_id,
            self._client.secret,
            scope=" ".join((SCOPE, *self._client.scopes)),
            redirect_uri=back,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_S,
        )

    def _forget(self) -> None:
        """Forget what was begun too long ago, and the oldest when there is too much."""
        now = self._clock.monotonic()
        kept = [(key, begun) for key, begun in self._begun.items() if begun.ends_at_s > now]
        self._begun = dict(kept[-(BEGUN_MAX - 1) :])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _endpoints(told: Mapping[str, str], issuer: str) -> Mapping[str, str]:
    """Addresses of a provider that is the one we mean, and is not spoken to in the clear where it need not be."""
    if told["issuer"] != issuer:
        msg = f"it calls itself {told['issuer']}"
        raise ValueError(msg)
    for name in ENDPOINTS:
        if urlsplit(issuer).scheme == "https" and urlsplit(told[name]).scheme != "https":
            msg = f"its {name} is not https"
            raise ValueError(msg)
    return {name: told[name] for name in ENDPOINTS}


def _unavailable(error: Exception) -> IdentityProviderUnavailableError:
    return IdentityProviderUnavailableError(f"the identity provider does not answer as it should: {error}")
