"""Why a connection failed, for people."""

from pathlib import Path

import pytest

from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.troubles import POLICIES, Offer, by_offers, by_status

CONFIG = OpcUaConfig(
    url="opc.tcp://x/",
    security="Aes256_Sha256_RsaPss",
    user="bms",
    password_file="secrets/p.txt",
    server_certificate="secrets/s.der",
)
FILE = Path("secrets/opcua-client.der")
OURS = POLICIES + "Aes256_Sha256_RsaPss"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("BadUserAccessDenied", "the server refuses user 'bms': check the password in secrets/p.txt"),
        ("BadIdentityTokenRejected", "the server refuses user 'bms'"),
        ("BadSecurityChecksFailed", "copy secrets/opcua-client.der to its trusted certificates"),
        (
            "BadCertificateTimeInvalid",
            "expired or not yet valid: check the server's clock (BadCertificateTimeInvalid)",
        ),
        ("BadTooManySessions", "no session left for us"),
    ],
)
def test_a_status_that_says_enough_becomes_advice(name: str, words: str) -> None:
    assert words in (by_status(name, CONFIG, FILE) or "")


def test_without_a_user_it_is_the_anonymous_session_that_is_refused() -> None:
    anonymous = OpcUaConfig(url="opc.tcp://x/")

    assert "refuses us without a user" in (by_status("BadIdentityTokenRejected", anonymous, None) or "")


def test_another_status_is_left_to_its_own_words() -> None:
    assert by_status("BadServerHalted", CONFIG, FILE) is None


def test_a_server_that_does_not_offer_our_security_says_what_it_offers() -> None:
    offers = [Offer(POLICIES + "None", False, b""), Offer(POLICIES + "Basic256Sha256", True, b"s")]
    told = by_offers(offers, CONFIG, b"s", FILE)

    assert told == "the server does not offer Aes256_Sha256_RsaPss with encryption, only Basic256Sha256, None"
    assert "only Aes256_Sha256_RsaPss" in (by_offers([Offer(OURS, False, b"s")], CONFIG, b"s", FILE) or "")


def test_a_changed_certificate_goes_before_distrust() -> None:
    assert "shows another certificate" in (by_offers([Offer(OURS, True, b"new")], CONFIG, b"old", FILE) or "")


def test_a_server_that_hung_up_although_all_fits_probably_does_not_trust_us() -> None:
    told = by_offers([Offer(OURS, True, b"s")], CONFIG, b"s", FILE)

    assert told == (
        "the server does not trust our certificate: copy secrets/opcua-client.der to its trusted certificates "
        "(it closed the secure channel)"
    )
    assert by_offers([Offer(OURS, True, b"s")], CONFIG, b"s", None) is None
