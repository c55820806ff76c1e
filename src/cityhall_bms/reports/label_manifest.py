"""The manifest of an evidence pack: canonical JSON that is signed as it stands (`docs/reference/label.md`). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cityhall_bms.domain.label import LabelPlan
from cityhall_bms.exports.manifest import LABEL_KIND, VERSION
from cityhall_bms.exports.query import time_text
from cityhall_bms.ports.exports import FileFacts, LogRange
from cityhall_bms.ports.label import LabelQuestion, PackedFile

FORMAT: Final = "label-zip"


@dataclass(frozen=True, slots=True)
class PackRecord:
    """Which pack it is, who asked for it when (µs UTC), of which site."""

    pack: str
    by: str
    asked_at: int
    site: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class PackFindings:
    """What was found out about a finished pack."""

    file: FileFacts
    files: Sequence[PackedFile]
    events: LogRange
    software: Mapping[str, str]
    in_force: Mapping[str, Any]


def describe(record: PackRecord, question: LabelQuestion, plan: LabelPlan, found: PackFindings) -> dict[str, Any]:
    """Manifest of a pack, not signed yet."""
    return {
        "kind": LABEL_KIND,
        "version": VERSION,
        "pack": record.pack,
        "asked_by": record.by,
        "asked_at": time_text(record.asked_at),
        "query": {
            "site": record.site,
            "from": time_text(question.window.start),
            "to": time_text(question.window.end),
            "as_known_at": time_text(question.known_at),
            "time_zone": record.time_zone,
            "format": FORMAT,
            "language": question.language,
        },
        "edition": plan.edition,
        "level": plan.level,
        "indicators": [
            {
                "name": indicator.name,
                "text_zh": indicator.text.zh,
                "text_en": indicator.text.en,
                "evidence": [kind.value for kind in indicator.evidence],
                "score": indicator.score,
                "score_max": indicator.score_max,
                "remark": indicator.remark,
            }
            for indicator in plan.indicators
        ],
        "file": {
            "name": found.file.name,
            "rows": found.file.rows,
            "bytes": found.file.bytes,
            "sha256": found.file.sha256,
        },
        "files": [file.to_json() for file in found.files],
        "software": dict(found.software) | dict(found.file.made_by),
        "in_force": dict(found.in_force),
        "events": {"first": found.events.first, "last": found.events.last, "last_hash": found.events.last_hash},
    }
