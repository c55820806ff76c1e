"""The failures that cross a port. Each says whether trying again can help."""

from dataclasses import dataclass


class CityHallError(Exception):
    """Anything this service raises on purpose."""


class DeviceUnreachableError(CityHallError):
    """A device did not answer; trying again later may help."""


class DeviceRefusedError(CityHallError):
    """A device is there and turned a request down, in its own words; the same request will be turned down again."""


class ReadOnlyPointError(CityHallError):
    """A point that must not be written: it is measured, or belongs to life safety or to the building's supply."""


class DriverConfigError(CityHallError):
    """A device's configuration cannot work; trying again will not help."""


class TelemetryLogUnavailableError(CityHallError):
    """The telemetry log did not confirm that a batch is on disk; keep it and try again."""


class EventLogUnavailableError(CityHallError):
    """The event log cannot be reached; nothing was appended."""


class HistoryUnavailableError(CityHallError):
    """The history cannot be reached; nothing was written."""


class ConcurrencyError(CityHallError):
    """A stream has moved on since it was read; read it again and decide again."""


class LeaseLostError(CityHallError):
    """Somebody else does this job now: what is refused with this was not written, and trying again will not help."""


class HistoryFileError(CityHallError):
    """A file of past samples cannot be read or does not fit; trying again will not help."""


class SigningKeyError(CityHallError):
    """A key for signing, or for checking signatures, cannot be used; the text says what to do."""


class SignatureError(CityHallError):
    """A signature is not that of the data it stands by."""


class CollectorUnavailableError(CityHallError):
    """No collector says how a device fares now; trying again may help."""


class TooManyError(CityHallError):
    """Somebody asks for too much at once; after ``retry_after_s`` it may be asked for again."""

    def __init__(self, text: str, retry_after_s: int) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class IdentityRefusedError(CityHallError):
    """An identity provider does not vouch for somebody, or not in a way that can be believed."""


class IdentityProviderUnavailableError(CityHallError):
    """An identity provider does not answer, or not as it should; trying again may help."""


class NotFoundError(CityHallError):
    """Nothing of that name exists."""


class MissingLibraryError(CityHallError):
    """An optional library is not installed here; the text says which, and how to get it."""


class RefusedError(CityHallError):
    """The request is understood and is not allowed in the present state."""


class NotSignedInError(CityHallError):
    """Nobody whom the service knows asks; or it was wrong what they gave to sign in, and the text does not say what."""


class ForbiddenError(CityHallError):
    """Somebody whom the service knows may not do this, here."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a site folder, and what to do about it."""

    file: str
    line: int
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message} -> {self.remedy}"


class SiteError(CityHallError):
    """A site folder has mistakes; ``problems`` lists every one of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
