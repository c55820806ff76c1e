"""Signing in by OpenID Connect, against a certified provider; and what must never be believed."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from tests.support.oidc_provider import Provider, running_provider

from cityhall_bms.adapters import oidc
from cityhall_bms.adapters.oidc import OidcClient, OidcProvider
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import IdentityProviderUnavailableError, IdentityRefusedError

BACK = "http://127.0.0.1:8800/api/v1/session/oidc/callback"


class ShiftedClock(SystemClock):
    """The system's time, put forward by so many seconds; and what has passed, by others."""

    later_s = 0
    passed_s = 0.0

    def now(self) -> int:
        return super().now() + self.later_s * 1_000_000

    def monotonic(self) -> float:
        return super().monotonic() + self.passed_s


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider(BACK) as running:
        yield running


@dataclass
class Door:
    """Our side of it."""

    clock: ShiftedClock
    client: OidcClient
    ours: OidcProvider


@pytest.fixture
def door(provider: Provider) -> Door:
    clock, client = ShiftedClock(), OidcClient(provider.issuer, "bms", "secret-of-bms")
    return Door(clock, client, OidcProvider(client, clock))


@pytest.mark.parametrize("name", ["bms", "bms-es"])
async def test_a_person_signs_in_and_comes_with_name_and_groups(provider: Provider, name: str) -> None:
    ours = OidcProvider(OidcClient(provider.issuer, name, f"secret-of-{name}"), SystemClock())

    going = await ours.begin(BACK)
    found = await ours.finish(going.secret, provider.visit(going.address, "wang", BACK), BACK)

    assert (found.provider, found.subject, found.name) == (provider.issuer, "wang", "周大華")
    assert found.groups == {"bms-operators", "everybody"}
    assert "code_challenge_method=S256" in going.address
    assert going.secret not in going.address


async def test_an_answer_is_good_once(provider: Provider, door: Door) -> None:
    going = await door.ours.begin(BACK)
    answer = provider.visit(going.address, "wang", BACK)
    await door.ours.finish(going.secret, answer, BACK)

    with pytest.raises(IdentityRefusedError, match="nobody began"):
        await door.ours.finish(going.secret, answer, BACK)


async def test_an_answer_of_another_browser_is_refused(provider: Provider, door: Door) -> None:
    mine, theirs = await door.ours.begin(BACK), await door.ours.begin(BACK)
    answer = provider.visit(theirs.address, "wang", BACK)

    with pytest.raises(IdentityRefusedError, match="nobody began"):
        await door.ours.finish(mine.secret, answer, BACK)
    with pytest.raises(IdentityRefusedError, match="nobody began"):
        await door.ours.finish("guessed", answer, BACK)


async def test_a_code_is_good_only_with_what_it_was_asked_with(provider: Provider, door: Door) -> None:
    """Code injection: a stolen code with one's own state fails for want of the verifier (RFC 9700 4.5.3)."""
    mine, theirs = await door.ours.begin(BACK), await door.ours.begin(BACK)
    stolen = provider.visit(theirs.address, "chen", BACK)
    own = provider.visit(mine.address, "wang", BACK)

    with pytest.raises(IdentityRefusedError, match="does not take its own code"):
        await door.ours.finish(mine.secret, own | {"code": stolen["code"]}, BACK)


async def test_a_token_of_another_attempt_is_refused_by_its_nonce(provider: Provider, door: Door) -> None:
    going = await door.ours.begin(BACK)
    begun = next(iter(door.ours._begun.values()))
    answer = provider.visit(going.address.replace(begun.nonce, "another"), "wang", BACK)

    with pytest.raises(IdentityRefusedError, match="nonce"):
        await door.ours.finish(going.secret, answer, BACK)


async def test_a_token_that_is_over_is_refused(provider: Provider, door: Door) -> None:
    going = await door.ours.begin(BACK)
    answer = provider.visit(going.address, "wang", BACK)
    door.clock.later_s = 2 * 3_600

    with pytest.raises(IdentityRefusedError, match="expired"):
        await door.ours.finish(going.secret, answer, BACK)


async def test_after_ten_minutes_one_begins_anew(provider: Provider, door: Door) -> None:
    going = await door.ours.begin(BACK)
    answer = provider.visit(going.address, "wang", BACK)
    door.clock.passed_s = oidc.BEGUN_LASTS_S + 1

    with pytest.raises(IdentityRefusedError, match="ten minutes"):
        await door.ours.finish(going.secret, answer, BACK)


async def test_a_shared_secret_is_no_signature(provider: Provider) -> None:
    ours = OidcProvider(OidcClient(provider.issuer, "bms-hs", "secret-of-bms-hs"), SystemClock())
    going = await ours.begin(BACK)

    with pytest.raises(IdentityRefusedError, match="not signed by the provider"):
        await ours.finish(going.secret, provider.visit(going.address, "wang", BACK), BACK)


async def test_a_wrong_secret_of_ours_is_told_as_what_it_is(provider: Provider, door: Door) -> None:
    ours = OidcProvider(replace(door.client, secret="guessed"), door.clock)
    going = await ours.begin(BACK)

    with pytest.raises(IdentityRefusedError, match="invalid_client"):
        await ours.finish(going.secret, provider.visit(going.address, "wang", BACK), BACK)


async def test_who_has_no_name_and_who_changes_their_mind_is_not_signed_in(provider: Provider, door: Door) -> None:
    going = await door.ours.begin(BACK)
    with pytest.raises(IdentityRefusedError, match="no preferred_username"):
        await door.ours.finish(going.secret, provider.visit(going.address, "nameless", BACK), BACK)

    going = await door.ours.begin(BACK)
    state = next(iter(door.ours._begun.values())).state
    with pytest.raises(IdentityRefusedError, match="did not sign the person in") as refused:
        await door.ours.finish(going.secret, {"state": state, "error": "<b>call 0900-123</b>"}, BACK)
    assert "0900" not in str(refused.value)


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:1", "{issuer}/", "{issuer}/realm"])
async def test_a_provider_that_is_not_there_or_calls_itself_otherwise_is_unavailable(
    provider: Provider, issuer: str
) -> None:
    ours = OidcProvider(OidcClient(issuer.format(issuer=provider.issuer), "bms", "x"), SystemClock())

    with pytest.raises(IdentityProviderUnavailableError):
        await ours.begin(BACK)


async def test_only_so_many_attempts_are_kept(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "BEGUN_MAX", 5)
    for _ in range(20):
        await door.ours.begin(BACK)

    assert len(door.ours._begun) == 5


KEY = RSAKey.generate_key(2048, {"kid": "theirs"})
OTHER = RSAKey.generate_key(2048, {"kid": "theirs"})
NOW = int(time.time())
GOOD = {"iss": "{issuer}", "aud": "bms", "sub": "wang", "exp": NOW + 600, "iat": NOW, "nonce": "{nonce}"}
FORGED: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "of another issuer": ({"iss": "https://evil.example"}, {}, KEY),
    "for another client": ({"aud": "intranet"}, {}, KEY),
    "for two, and not by us": ({"aud": ["bms", "intranet"], "azp": "intranet"}, {}, KEY),
    "with another nonce": ({"nonce": "another"}, {}, KEY),
    "without a nonce": ({"nonce": None}, {}, KEY),
    "without an end": ({"exp": None}, {}, KEY),
    "that is over": ({"exp": NOW - 3_600}, {}, KEY),
    "without a person": ({"sub": None}, {}, KEY),
    "signed by somebody else": ({}, {}, OTHER),
    "signed with the public key as a secret": ({}, {"alg": "HS256"}, KEY.as_pem(private=False)),
    "not signed": ({}, {"alg": "none"}, b""),
}


def signed_by_hand(header: dict[str, Any], payload: str, key: bytes) -> str:
    """What a library refuses to make."""
    head = base64.urlsafe_b64encode(json.dumps({"kid": "theirs"} | header).encode()).rstrip(b"=").decode()
    mac = hmac.digest(key, f"{head}.{payload}".encode(), "sha256") if key else b""
    return f"{head}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def claims_of(door: Door, changes: dict[str, Any], header: dict[str, Any], key: Any) -> Any:
    await door.ours.begin(BACK)
    begun = next(iter(door.ours._begun.values()))
    issuer = door.client.issuer
    assert door.ours._metadata is not None
    trusted = replace(door.ours._metadata, keys=KeySet([RSAKey.import_key(KEY.as_dict(private=False))]))
    door.ours._read = lambda _: trusted  # type: ignore[method-assign]
    door.ours._metadata = trusted
    told = GOOD | {"iss": issuer, "nonce": begun.nonce} | changes
    claims = {name: value for name, value in told.items() if value is not None}
    text = jwt.encode({"alg": "RS256", "kid": "theirs"}, claims, KEY if isinstance(key, bytes) else key)
    if isinstance(key, bytes):
        text = signed_by_hand(header, text.split(".")[1], key)
    return await door.ours._claims({"id_token": text, "access_token": "a"}, begun)


async def test_the_forger_of_this_test_makes_tokens_that_are_good(door: Door) -> None:
    assert (await claims_of(door, {}, {}, KEY))["sub"] == "wang"


@pytest.mark.parametrize(("changes", "header", "key"), FORGED.values(), ids=FORGED.keys())
async def test_a_token_is_refused(door: Door, changes: dict[str, Any], header: dict[str, Any], key: Any) -> None:
    with pytest.raises(IdentityRefusedError):
        await claims_of(door, changes, header, key)
