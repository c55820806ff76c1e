"""How telemetry batches are chained: each seal holds the one before it, so that none can be changed or left out.

A chain belongs to a source (a collector, an imported file, a restatement). Its seals are numbered without a gap, in the
order in which history took the batches, which is not that of their sequences when a missing batch comes late.
"""

import dataclasses
import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cityhall_bms.domain.events import Event, canonical, stored

STATEMENT: Final = "cityhall-bms day 1"
"""What a signed day calls itself, so that no signature of another kind of text can stand for it."""

SEAL_STREAM: Final = "integrity/days"
RETENTION_STREAM: Final = "history/retention"

SEALED_OF_FIGURE: Final = (
    "id", "restated_at", "why", "level", "bucket", "bucket_end", "point_id", "old_count", "new_count", "old_good_us",
    "new_good_us", "old_mean", "new_mean", "old_delta", "new_delta",
)  # fmt: skip
"""What of a restated figure is covered, in this order."""

SEALED_OF_GAP: Final = ("source", "device", "cause", "since", "point_ids", "until", "polls")
GENESIS: Final = bytes(32)
"""What the first seal of a chain holds in place of the one before it."""

_NUMBERS: Final = struct.Struct("<7q")


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Newest seal of a chain."""

    number: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class BatchSeal:
    """A batch's place in the chain of its source, and what was recorded at its time (µs UTC).

    ``samples`` and ``digest`` are of all samples of that ``recorded_at``, those of other batches included that history
    had by then: of several seals of one time that with the most samples counts.
    """

    source: str
    number: int
    epoch: int
    sequence: int
    recorded_at: int
    first: int
    last: int
    samples: int
    digest: bytes
    hash: bytes

    def expected_hash(self, before: bytes) -> bytes:
        """SHA-256 over the hash before it and every other column."""
        source = self.source.encode()
        numbers = _NUMBERS.pack(
            self.number, self.epoch, self.sequence, self.recorded_at, self.first, self.last, self.samples
        )
        return hashlib.sha256(
            b"".join((before, len(source).to_bytes(4, "little"), source, numbers, self.digest))
        ).digest()


@dataclass(frozen=True, slots=True)
class GapsSeal:
    """How many gaps a seal covers, and the SHA-256 over them."""

    number: int
    digest: bytes

    @classmethod
    def of(cls, gaps: Iterable[Sequence[Any]]) -> "GapsSeal":
        """Seal gaps, each with all of :data:`SEALED_OF_GAP` in this order.

        The digest is over a line of canonical JSON for each (`docs/reference/integrity.md`).
        """
        digest, number = hashlib.sha256(), 0
        for gap in gaps:
            digest.update(canonical(dict(zip(SEALED_OF_GAP, gap, strict=True))).encode() + b"\n")
            number += 1
        return cls(number, digest.digest())


def digest_of_figures(figures: Iterable[Sequence[Any]]) -> str:
    """SHA-256 (hex) over restated figures in order of their numbers, each with all of :data:`SEALED_OF_FIGURE`."""
    digest = hashlib.sha256()
    for figure in figures:
        digest.update(canonical(dict(zip(SEALED_OF_FIGURE, figure, strict=True))).encode() + b"\n")
    return digest.hexdigest()


def digest_of_raws(scans: Iterable[tuple[str, bytes]]) -> list[Any]:
    """Number of packed raw scans of an hour, and SHA-256 (hex) over device and SHA-256 of each, in order of both."""
    digest, number = hashlib.sha256(), 0
    for device, inner in scans:
        digest.update(canonical([device, inner.hex()]).encode() + b"\n")
        number += 1
    return [number, digest.hexdigest()]


@stored
@dataclass(frozen=True, slots=True)
class DaySealed(Event):
    """A local day of the building is over, and what was recorded until then is signed.

    ``position`` and ``hash`` are those of the day's last event (0 and zeros where there is none yet). ``chains`` has
    for every source of telemetry the number and the hash of its newest seal at ``sealed_at`` (µs UTC). Hashes and the
    Ed25519 ``signature`` are hex; ``key`` is the id of the public key. ``gaps`` are number and digest of the gaps
    that are sealed with this day; nothing in days that were signed before gaps were. ``raws`` are, per hour (µs UTC, as
    text), number and digest of the packed raw scans that are sealed with it.
    """

    site: str
    day: str
    position: int
    hash: str
    chains: dict[str, list[Any]]
    batches: int
    sealed_at: int
    key: str
    signature: str = ""
    gaps: list[Any] = field(default_factory=list)
    raws: dict[str, list[Any]] = field(default_factory=dict)

    def statement(self) -> bytes:
        """Give what is signed: canonical JSON of every field but the signature, and of what an older one lacks."""
        fields = self.payload()
        del fields["signature"]
        for name in ("gaps", "raws"):
            if not fields[name]:
                del fields[name]
        return canonical({"statement": STATEMENT, **fields}).encode()

    def signed(self, signature: bytes) -> "DaySealed":
        """Give the same, with its signature."""
        return dataclasses.replace(self, signature=signature.hex())


@stored
@dataclass(frozen=True, slots=True)
class SamplesLetGo(Event):
    """Samples observed ``before`` a UTC day (ISO 8601) may be missing: they were kept long enough and are let go of.

    Written before anything goes. ``samples_days`` is what the settings asked for then, ``classes_days`` what they
    asked for points of other classes.
    """

    before: str
    samples_days: int
    classes_days: list[int]
    archived: bool
    at: int
