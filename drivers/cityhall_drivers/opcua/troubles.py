"""Why a connection failed, in words that tell an engineer what to do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cityhall_drivers.opcua.certificates import fingerprint
from cityhall_drivers.opcua.config import OpcUaConfig

_USER: Final = frozenset({"BadUserAccessDenied", "BadIdentityTokenRejected", "BadIdentityTokenInvalid"})
_TRUST: Final = frozenset({"BadSecurityChecksFailed", "BadCertificateUntrusted"})
_OURS: Final = {
    "BadCertificateTimeInvalid": "認為 {file} 已過期或尚未生效，請檢查伺服器的時鐘 "
    "finds {file} expired or not yet valid: check the server's clock",
    "BadCertificateUriInvalid": "認為 {file} 中的應用程式 URI 不符，請重新匯入此檔 "
    "finds another application URI in {file} than in our session: import this file anew",
    "BadCertificateHostNameInvalid": "認為 {file} 中的主機名稱不符，請刪除同名的 .pem 檔以重新產生 "
    "finds another host name in {file}: delete the .pem beside it, so that it is made anew, and import it",
    "BadCertificateUseNotAllowed": "不接受 {file} 的用途，請調整其憑證檢查 "
    "does not accept what {file} may be used for: relax its check of certificate usage",
    "BadCertificatePolicyCheckFailed": "不接受 {file} 的金鑰或簽章，請改用另一種 security "
    "does not accept the key or signature of {file} with this policy: choose the other one in 'security'",
    "BadCertificateRevoked": "認為 {file} 已被撤銷 finds {file} revoked: remove it from its revocation list",
}
"""What a server may find wrong in our certificate (OPC 10000-4, clause 6.1.3)."""
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
    if name in _OURS:
        return f"伺服器{_OURS[name].format(file=certificate_file)} ({name})"
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
    suitable = _suitable(offers, config)
    if not suitable:
        others = sorted({offer.policy.removeprefix(POLICIES) for offer in offers})
        return f"the server does not offer {config.security} with encryption, only {', '.join(others) or 'nothing'}"
    shown = other_certificate(offers, config, trusted)
    if shown is not None and trusted is not None:
        return (
            f"the server shows another certificate (SHA-256 {fingerprint(shown)}) than {config.server_certificate} "
            f"({fingerprint(trusted)}): if it was really exchanged, save the new one there"
        )
    return f"{untrusted(certificate_file)} (it closed the secure channel)" if certificate_file else None


def other_certificate(offers: Sequence[Offer], config: OpcUaConfig, trusted: bytes | None) -> bytes | None:
    """Certificate that a server shows in place of the trusted one; none when it is that, or shows none."""
    shown = next((offer.certificate for offer in _suitable(offers, config)), b"")
    return shown if shown and trusted is not None and shown != trusted else None


def _suitable(offers: Sequence[Offer], config: OpcUaConfig) -> list[Offer]:
    return [offer for offer in offers if offer.encrypts and offer.policy == POLICIES + config.security]
