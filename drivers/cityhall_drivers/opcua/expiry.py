"""When certificates come to their end: who must be told, and when. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cityhall_bms.domain.notices import DeviceNotice

KIND: Final = "certificate-expiry"
DAY_US: Final = 86_400_000_000
UNKNOWN: Final = ""
VALID, SOON, VERY_SOON, EXPIRED = "valid", "expires-within-30-days", "expires-within-7-days", "expired"
_DAYS: Final = ((0, EXPIRED), (7, VERY_SOON), (30, SOON))
_WHAT: Final = {
    VALID: "憑證有效至 the certificate is valid until {date}",
    SOON: "憑證將於 {date} 到期，請準備更換 the certificate expires on {date}: prepare its replacement",
    VERY_SOON: "憑證將於 {date} 到期，請立即更換 the certificate expires on {date}: replace it now",
    EXPIRED: "憑證已於 {date} 到期，連線將被拒絕 the certificate expired on {date}: connections are refused",
}


def state_of(until: int, now: int) -> str:
    """State of a certificate that is valid until then (µs UTC)."""
    return next((state for days, state in _DAYS if until - now <= days * DAY_US), VALID)


class ExpiryBook:
    """States told so far, of the certificates of one device by their files; each change is told once.

    The first state is told as well, *valid* too: what was told before a restart may have ended meanwhile.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._told: dict[str, str] = {}

    def look(self, ends: Mapping[str, int], remedies: Mapping[str, str], now: int) -> list[DeviceNotice]:
        """Notices of what changed since the last look: ends of validity by file, and what to do about each."""
        notices = []
        for file, until in ends.items():
            before, after = self._told.get(file, UNKNOWN), state_of(until, now)
            self._told[file] = after
            if after == before:
                continue
            message = f"{file}: {_WHAT[after].format(date=datetime.fromtimestamp(until / 1e6, UTC).date())}"
            if after != VALID:
                message += f": {remedies[file]}"
            notices.append(DeviceNotice(self._device, file, KIND, before, after, now, message))
        return notices
