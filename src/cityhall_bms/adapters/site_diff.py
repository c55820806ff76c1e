"""What differs between two descriptions of a building: pure, and the same for every point registry.

Each point and each device is represented by the SHA-256 of its description. Where it was described (the folder, the
line in ``points.csv``) is left out, because moving a row changes nothing in the building.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cityhall_bms.domain.events import SiteApplied
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.event_log import EventLog

STREAM: Final = "site"
PAGE: Final = 50  # entries may name thousands of points each
WHEREABOUTS: Final = frozenset({"line", "folder"})
UNLESS_NONE: Final = frozenset({"rollover"})
"""Left out where nothing is said: what was described before the column came is described as it was."""


@dataclass(frozen=True, slots=True)
class Known:
    """Fingerprints of the points and devices that are in service, by name."""

    points: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts(Known):
    """Fingerprints of a description, and of all of it together."""

    fingerprint: str = ""


def plain(value: object) -> Any:  # noqa: ANN401 - JSON values have no better name
    """Description as JSON values, without the places where it was written down."""
    if dataclasses.is_dataclass(value):
        names = [part.name for part in dataclasses.fields(value) if part.name not in WHEREABOUTS]
        told = [name for name in names if name not in UNLESS_NONE or getattr(value, name) is not None]
        return {name: plain(getattr(value, name)) for name in told}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def fingerprint(value: object) -> str:
    """SHA-256 of a description; the order of its tables does not matter."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def parts(site: Site) -> Parts:
    """Fingerprints of a site."""
    return Parts(
        points={name: fingerprint(point) for name, point in site.points.items()},
        devices={name: fingerprint(device) for name, device in site.devices.items()},
        fingerprint=fingerprint(site),
    )


def compare(site: Site, known: Known, described: Parts) -> SiteApplied:
    """Say what differs; ``devices`` names those that were added, changed or removed."""
    before, after = known.points, described.points
    devices = known.devices.keys() | described.devices.keys()
    return SiteApplied(
        site=site.code,
        fingerprint=described.fingerprint,
        points_added=sorted(after.keys() - before.keys()),
        points_changed=sorted(name for name in after.keys() & before.keys() if after[name] != before[name]),
        points_removed=sorted(before.keys() - after.keys()),
        devices=sorted(name for name in devices if known.devices.get(name) != described.devices.get(name)),
    )


async def last_applied(log: EventLog) -> tuple[int, str]:
    """Version of the site's stream, and the fingerprint that took effect last (empty when none did)."""
    position, version, last = 0, 0, ""
    while entries := await log.read(position, PAGE, STREAM):
        position, version = entries[-1].position, entries[-1].version
        last = entries[-1].payload["fingerprint"]
    return version, last
