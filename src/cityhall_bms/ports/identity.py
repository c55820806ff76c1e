"""Somebody else who says who a person is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a browser goes to sign in; ``secret`` is for that browser alone, which brings it back."""

    address: str
    secret: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for. ``subject`` is theirs for ever, a name may change hands."""

    provider: str
    subject: str
    name: str
    groups: frozenset[str]


class IdentityProvider(Protocol):
    """An OpenID provider. ``IdentityProviderUnavailableError`` when it does not answer, or not as it should."""

    async def begin(self, back: str) -> Departure:
        """Begin to sign somebody in, who is sent ``back`` to that address of ours."""
        ...

    async def finish(self, secret: str, answer: Mapping[str, str], back: str) -> Vouched:
        """Take what the browser brought back, once; ``IdentityRefusedError`` says in our words why it is not good."""
        ...
