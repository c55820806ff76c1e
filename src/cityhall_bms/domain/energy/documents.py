"""Which files are kept as proofs, and under which names (pure)."""

import re
from pathlib import PurePosixPath
from typing import Final

from cityhall_bms.domain.errors import RefusedError

BYTES_MAX: Final = 5_000_000
NAME_MAX: Final = 80
SUFFIXES: Final = {"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg"}
"""Types that are kept."""
_MAGIC: Final = ((b"%PDF-", "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]+")


def media_type_of(data: bytes) -> str:
    """Type of a file by what it begins with, whatever its name says; ``RefusedError`` for one that is not kept."""
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return media_type
    msg = "附件僅收 PDF、PNG、JPEG / a document is a PDF, PNG or JPEG file"
    raise RefusedError(msg)


def safe_name(name: str, media_type: str) -> str:
    """Name without folders and signs that a shell or a browser could take for more; its end tells the type."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    stem = _NOT_IN_NAMES.sub("_", stem).strip("._-")[:NAME_MAX]
    return f"{stem or 'document'}{SUFFIXES[media_type]}"
