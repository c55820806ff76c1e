"""Why a connection failed, in words that tell an engineer what to do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cityhall_drivers.opcua.certificates import fingerprint
from cityhall_drivers.opcua.config import OpcUaConfig

_USER: Final = frozenset({"BadUserAccessDenied", "BadIdentityTokenRejected", "BadIdentityTokenInvalid"})
_TRUST: Final = frozenset({"BadSecurityChecksFailed", "BadCertificateUntrusted", "BadCertificateUriInvalid"})
_FULL: Final = frozenset({"BadTooManySessions", "BadMaxConnectionsReached"})
POLICIES: Final = "http://opcfoundation.org/UA/SecurityPolicy#"


@dataclass(frozen=True, slots=True)
class Offer:
    """One endpoint that a server offers: security policy (its URI), whether it encrypts, its certificate (DER)."""

    policy: str
    encrypts: bool
    certificate: bytes


def by_status(name: str, config: OpcUaConfig, certificate_file: Path | None) -> str | None:
    """Explain a status code that says enough by itself."""
    if name in _USER:
        who = (
            f"user '{config.user}': check the password in {config.password_file}"
            if config.user
            else "us without a user"
        )
        return f"the server refuses {who} ({name})"
    if name in _TRUST or name.startswith("BadCertificate"):
        return f"{untrusted(certificate_file)} ({name})"
    if name in _FULL:
        return f"the server has no session left for us: close other clients, or raise its limit ({name})"
    return None


def untrusted(certificate_file: Path | None) -> str:
    """Say what to do about a server that does not know us."""
    return f"the server does not trust our certificate: copy {certificate_file} to its trusted certificates"


def by_offers(
    offers: Sequence[Offer], config: OpcUaConfig, trusted: bytes | None, certificate_file: Path | None
) -> str | None:
    """Explain a failed encrypted connection by what the server offers to everybody; none when that tells nothing."""
    suitable = [offer for offer in offers if offer.encrypts and offer.policy == POLICIES + config.security]
    if not suitable:
        others = sorted({offer.policy.removeprefix(POLICIES) for offer in offers})
        return f"the server does not offer {config.security} with encryption, only {', '.join(others) or 'nothing'}"
    shown = suitable[0].certificate
    if shown and trusted is not None and shown != trusted:
        return (
            f"the server shows another certificate (SHA-256 {fingerprint(shown)}) than {config.server_certificate} "
            f"({fingerprint(trusted)}): if it was really exchanged, save the new one there"
        )
    return f"{untrusted(certificate_file)} (it closed the secure channel)" if certificate_file else None
