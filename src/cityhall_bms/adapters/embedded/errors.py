"""What can go wrong with a service of our own."""

from cityhall_bms.domain.errors import CityHallError


class EmbeddedServiceError(CityHallError):
    """An embedded service cannot run here; the text says what to do."""


class FolderInUseError(EmbeddedServiceError):
    """Another process of ours works in the same data folder."""
