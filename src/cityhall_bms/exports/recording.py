"""A finished export becomes a record: manifest, signature, event. Safe to be interrupted and repeated."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from cityhall_bms.domain.errors import ConcurrencyError
from cityhall_bms.domain.events import Event, ExportFailed, ExportMade
from cityhall_bms.exports.certificate import PointCoverage
from cityhall_bms.exports.manifest import Findings, Signing, describe, signed
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.exports import Export, ExportEvidence, ExportState, ExportStore, FileFacts, PointCounts

RESTATEMENTS_LISTED_MAX: Final = 1_000


def stream_of(identity: str) -> str:
    """Stream of one export's event."""
    return f"export/{identity}"


@dataclass(frozen=True, slots=True)
class ExportRecorder:
    """Ends exports."""

    store: ExportStore
    evidence: ExportEvidence
    events: EventLog
    signer: Signing
    clock: Clock

    async def finish(self, export: Export, file: FileFacts, counts: Sequence[PointCounts]) -> str:
        """Sign the manifest, keep it, append the event, and end the export; gives the manifest.

        A manifest that an interrupted attempt has kept of the same file stays, so that it is the one of the event.
        """
        kept = (await self.store.get(export.id)).manifest
        manifest = kept or signed(describe(export, await self._find(export, file, counts)), self.signer)
        if kept is None:
            await self.store.keep_manifest(export.id, file, manifest)
        await self._append(export, _made(export, file, manifest))
        await self.store.end(export.id, ExportState.DONE, self.clock.now())
        return manifest

    async def fail(self, export: Export, reason: str) -> None:
        """Say that it was not made, once."""
        if await self.store.end(export.id, ExportState.FAILED, self.clock.now(), reason):
            await self._append(export, ExportFailed(export=export.id, reason=reason))

    async def _append(self, export: Export, event: Event) -> None:
        try:
            await self.events.append([Append(stream_of(export.id), [event], export.actor, 0)])
        except ConcurrencyError:
            # An attempt before this one was cut off just after the event.
            return

    async def _find(self, export: Export, file: FileFacts, counts: Sequence[PointCounts]) -> Findings:
        query = export.query
        covered, gaps = await self.evidence.covered(query), await self.evidence.gaps(query)
        in_all, listed = await self.evidence.restatements(query, RESTATEMENTS_LISTED_MAX)
        coverage = [
            PointCoverage.of(point, count, share, missed, query)
            for point, count, share, missed in zip(query.points, counts, covered, gaps, strict=True)
        ]
        events = await self.evidence.events(query)
        return Findings(file, software(), events, coverage, listed, in_all)


def software() -> Mapping[str, str]:
    """Name and version of this software."""
    return {"cityhall-bms": version("cityhall-bms")}


def _made(export: Export, file: FileFacts, manifest: str) -> ExportMade:
    query = export.query
    return ExportMade(
        export=export.id,
        format=query.format.value,
        points=len(query.points),
        first=query.window.start,
        until=query.window.end,
        interval=query.interval,
        known_at=query.known_at,
        rows=file.rows,
        bytes=file.bytes,
        sha256=file.sha256,
        manifest_sha256=hashlib.sha256(manifest.encode()).hexdigest(),
    )
