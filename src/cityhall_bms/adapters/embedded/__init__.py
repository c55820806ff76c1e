"""Real services for one machine: PostgreSQL and NATS from wheels, under a supervisor that leaves nothing behind."""

from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError, FolderInUseError
from cityhall_bms.adapters.embedded.nats import EmbeddedNats
from cityhall_bms.adapters.embedded.postgres import EmbeddedPostgres

__all__ = ["EmbeddedNats", "EmbeddedPostgres", "EmbeddedServiceError", "FolderInUseError"]
