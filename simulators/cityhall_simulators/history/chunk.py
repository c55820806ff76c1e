"""One day of samples as a file (`docs/reference/history-file.md`)."""

import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"CHBHIST\x01"
_COUNTS: Final = struct.Struct("<III")
_LEVEL: Final = 1
"""Of zlib: a higher one takes several times as long and saves a few percent."""


def encode_chunk(times_us: NDArray[np.int64], values: NDArray[np.float64], bad: NDArray[np.bool_]) -> bytes:
    """Bytes of a chunk; ``values`` and ``bad`` have a row per moment and a column per point.

    The n-th bytes of all values stand together: signs, exponents and the ends of round numbers repeat, and then zlib
    finds them at its fastest level.
    """
    moments, points = values.shape
    places = np.flatnonzero(bad.T).astype("<u4")
    pressed = zlib.compressobj(_LEVEL)
    parts = [MAGIC, _COUNTS.pack(points, moments, len(places)), pressed.compress(times_us.astype("<i8").tobytes())]
    split = np.where(bad, np.nan, values).astype("<f8").view(np.uint8).reshape(moments, points, 8)
    parts += [pressed.compress(split[:, :, number].T.tobytes()) for number in range(8)]
    return b"".join([*parts, pressed.compress(places.tobytes()), pressed.flush()])
