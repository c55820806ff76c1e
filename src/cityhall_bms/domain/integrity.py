"""How telemetry batches are chained: each seal holds the one before it, so that none can be changed or left out.

A chain belongs to a source (a collector, an imported file, a restatement). Its seals are numbered without a gap, in the
order in which history took the batches, which is not that of their sequences when a missing batch comes late.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

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
