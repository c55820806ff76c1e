"""What makes and records exports, joined: for the API, for jobs and for the command."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg

from cityhall_bms.adapters.export_files.making import ExportMaker
from cityhall_bms.adapters.postgres.export_evidence import PostgresExportEvidence
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_export import ExportReader, PostgresExporter
from cityhall_bms.exports.manifest import Signing
from cityhall_bms.exports.recording import ExportRecorder
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database: its address, connections to it, and the history in it."""

    url: str
    pool: asyncpg.Pool
    history: PostgresHistory


@dataclass(frozen=True, slots=True)
class ExportParts:
    """Parts that belong together."""

    store: PostgresExportStore
    recorder: ExportRecorder
    reader: ExportReader
    clock: Clock

    @classmethod
    def on(cls, database: Database, events: EventLog, signer: Signing, clock: Clock) -> Self:
        """Join them."""
        store = PostgresExportStore(database.pool)
        evidence = PostgresExportEvidence(database.pool, database.history)
        recorder = ExportRecorder(store, evidence, events, signer, clock)
        return cls(store, recorder, ExportReader(database.url, database.history), clock)

    @property
    def exporter(self) -> PostgresExporter:
        """What sends files while they are made."""
        return PostgresExporter(self.reader, self.recorder)

    def maker(self, folder: Path, free_bytes_min: int) -> ExportMaker:
        """What makes files below a folder."""
        return ExportMaker(folder, self.reader, self.recorder, self.clock, free_bytes_min)
