"""The manifest of a report's file: canonical JSON that is signed as it stands (`docs/reference/reports.md`). Pure."""

from collections.abc import Mapping
from typing import Any

from cityhall_bms.domain.reports import ReportFormat, ReportRecord
from cityhall_bms.exports.manifest import REPORT_KIND, VERSION
from cityhall_bms.exports.query import time_text
from cityhall_bms.ports.exports import FileFacts
from cityhall_bms.reports.document import Report


def describe(
    record: ReportRecord, report: Report, form: ReportFormat, file: FileFacts, in_force: Mapping[str, Any]
) -> dict[str, Any]:
    """Manifest of one file, not signed yet: ``exports.manifest.signed`` signs it."""
    figures = report.figures
    covered = [figure.coverage for figure in figures if figure.coverage is not None]
    return {
        "kind": REPORT_KIND,
        "version": VERSION,
        "report": record.report,
        "asked_by": record.by,
        "asked_at": time_text(record.asked_at),
        "query": {
            "site": report.site,
            "kind": report.kind,
            "period": report.period.name,
            "from": report.period.first.isoformat(),
            "to": report.period.until.isoformat(),
            "as_known_at": time_text(report.known_at),
            "time_zone": report.time_zone,
            "format": form.value,
            "language": record.wish.language.value,
            "provisional": record.wish.provisional,
        },
        "file": {"name": file.name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256},
        "software": dict(file.made_by),
        "in_force": dict(in_force),
        "figures": {
            "in_all": len(figures),
            "provisional": sum(figure.provisional for figure in figures),
            "declared": sum(figure.declared for figure in figures),
            "unknown": sum(figure.value is None for figure in figures),
            "least_coverage_percent": round(100.0 * min(covered), 3) if covered else None,
        },
        "sources": [
            {
                "number": number,
                "query": source.query,
                "meters": list(source.meters),
                "events": None if source.events is None else list(source.events),
                "versions": list(source.versions),
            }
            for source, number in report.sources.items()
        ],
    }
